/* Fails when something public has no doc comment: each export of index.d.cts, and each member of its types. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { Failure, root, script } from './lib/run.mjs'

/* The name of what must be documented; symbols (iteration, disposal) and constructors say themselves what they are. */
const nameOf = (node) => {
  if (ts.isParameter(node) || ts.isConstructorDeclaration(node)) return undefined
  if (node.parent && ts.isTypeLiteralNode(node.parent)) return undefined // `{ std: number }`: said where it stands
  if (ts.isVariableStatement(node)) return node.declarationList.declarations[0].name.getText()
  const isMember = ts.isClassElement(node) || ts.isTypeElement(node)
  const isDeclaration =
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isFunctionDeclaration(node)
  if (!isMember && !isDeclaration) return undefined
  return node.name && !ts.isComputedPropertyName(node.name) && !ts.isPrivateIdentifier(node.name) && !isPrivate(node)
    ? node.name.getText()
    : undefined
}

const isPrivate = (node) => (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) !== 0

/* A member of a class may lean on the interface that the class implements, an overload on the one before it. */
const isDocumented = (node, interfaces) => {
  if (ts.getJSDocCommentsAndTags(node).some((doc) => ts.isJSDoc(doc) && doc.comment)) return true
  const name = node.name?.getText()
  const implemented = (node.parent.heritageClauses ?? []).flatMap(({ types }) =>
    types.map((type) => type.expression.getText()),
  )
  if (implemented.some((type) => interfaces.get(type)?.has(name))) return true
  const siblings = node.parent.members ?? node.parent.statements ?? []
  const first = siblings.find((other) => other.name?.getText() === name)
  return first !== undefined && first !== node && isDocumented(first, interfaces)
}

await script(async () => {
  const source = ts.createSourceFile(
    'index.d.cts',
    readFileSync(join(root, 'index.d.cts'), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  )
  const interfaces = new Map(
    source.statements
      .filter(ts.isInterfaceDeclaration)
      .map(({ name, members }) => [name.text, new Set(members.map((member) => member.name?.getText()))]),
  )
  const bare = []
  const visit = (node, path) => {
    const name = nameOf(node)
    if (name === undefined) return ts.forEachChild(node, (child) => visit(child, path))
    const full = path ? `${path}.${name}` : name
    if (!isDocumented(node, interfaces))
      bare.push(`index.d.cts:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${full}`)
    ts.forEachChild(node, (child) => visit(child, full))
  }
  visit(source, '')
  if (bare.length > 0) throw new Failure(`these have no doc comment:\n${bare.map((line) => `  ${line}`).join('\n')}`)
})
