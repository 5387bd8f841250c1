// Certificates to trust, as an option of a store gives them: PEM text, or the path of a file on this machine.
// One rule: what is wrong is said at once, and without repeating what was given.
import { readFileSync } from 'node:fs'
import { AlluviumError } from '../errors.js'

const PEM = '-----BEGIN CERTIFICATE-----'

/** PEM text as it is, or the text of a file. @throws AlluviumError `INVALID_OPTIONS` */
export function certificates(ca: string, store: string): string {
  if (ca.includes('-----BEGIN ')) return ca
  let text: string
  try {
    text = readFileSync(ca, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw invalid(store, `ca is neither PEM text nor a file that can be read (${code})`)
  }
  // Node would trust nothing, and say so of the server.
  if (!text.includes(PEM)) throw invalid(store, 'ca is a file without a certificate in PEM form')
  return text
}

function invalid(store: string, problem: string): AlluviumError {
  return new AlluviumError('INVALID_OPTIONS', `storage options of ${store}: ${problem}`, { options: ['ca'] })
}
