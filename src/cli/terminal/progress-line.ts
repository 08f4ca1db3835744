/** Milliseconds between two lines where there is no terminal. */
const period = 10_000

/** How far work is, on stderr: one line that is written over on a terminal, a line now and then in a log. */
export class ProgressLine {
  readonly #isTerminal = process.stderr.isTTY === true
  #next = performance.now() + period
  #isShown = false

  /** Shows `text`. */
  show(text: string): void {
    if (this.#isTerminal) {
      const columns = Math.max(20, process.stderr.columns ?? 80)
      process.stderr.write(`\r\u001b[2K${text.slice(0, columns - 1)}`)
      this.#isShown = true
    } else if (performance.now() >= this.#next) {
      this.#next = performance.now() + period
      process.stderr.write(`${text}\n`)
    }
  }

  /** Leaves the terminal as it was. */
  end(): void {
    if (this.#isShown) process.stderr.write('\r\u001b[2K')
    this.#isShown = false
  }
}
