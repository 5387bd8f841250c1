// adapter: answers requests as JSON lines on stdin, one a line on stdout: how a conformance runner drives an engine.
import { createInterface } from 'node:readline'
import { answerRequest } from '../adapter/answer.js'
import type { Command } from '../command.js'

export const adapter: Command = {
  name: 'adapter',
  usage: '',
  summary: 'answer conformance requests (JSON lines on stdin and stdout)',
  description:
    'Requests: {"id":1,"op":"read","path":"/table","version":null}, with "timestamp", "where" and "columns" where wanted; and the operations hello, changes (with "from" and "to"), info, create, append, overwrite, setProperties.',
  options: {},
  examples: [`echo '{"id":1,"op":"info","path":"./events"}' | alluvium adapter`],
  positionals: [0, 0],
  run: async ({ output, signal }) => {
    for await (const line of createInterface({ input: process.stdin })) {
      if (line.trim() === '') continue
      await output.line(await answerRequest(line, signal))
      await output.flush()
    }
  },
}
