import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { runServer } from 'verdaccio'

export interface Registry {
  readonly url: string
  close(): void
}

/** An npm registry on loopback, on a free port, that knows only what is published to it. */
export const startRegistry = async (folder: string): Promise<Registry> => {
  const everybody = { access: '$all', publish: '$all', unpublish: '$all' }
  const config = {
    storage: join(folder, 'storage'),
    self_path: folder,
    configPath: join(folder, 'config.yaml'),
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    uplinks: {},
    packages: { '**': everybody },
    max_body_size: '100mb',
    log: { type: 'stdout', level: 'fatal' },
  }
  const server = (await runServer(config as unknown as string)) as Server
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
