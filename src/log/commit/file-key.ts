// One file, one key. A path in the log is a URI, whose spelling is the writer's choice.

/** One file, whatever spelling of its URI a writer chose: a path is decoded exactly once. */
export function fileKey(path: string): string {
  // Stryker disable next-line ConditionalExpression,StringLiteral: only a shortcut, a path without the sign decodes to itself
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
