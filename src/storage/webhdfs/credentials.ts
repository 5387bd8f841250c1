// Who we are to the servers the user named: query parameters, and the cookie a server gives for a Kerberos proof.
// One rule: nothing from here goes to a server a redirect names, unless it is one the user named.
import { userInfo } from 'node:os'
import { encodeUtf8 } from '../../bytes.js'
import type { Runtime } from '../../runtime.js'
import { plainText, WebHdfsFault } from './fault.js'
import { bareHost } from './hosts.js'
import type { Negotiation, Negotiator } from './kerberos.js'
import type { WebHdfsSettings } from './options.js'

const SHORTEST_SECRET = 4
const MOST_SECRETS = 64

export class Credentials {
  /** Parameters of every request. */
  readonly query: readonly (readonly [string, string])[]
  readonly #negotiator: Negotiator | undefined
  /** A password, as a header. */
  readonly #basic: string | undefined
  /** The cookie of each server that has seen a proof. */
  readonly #cookies = new Map<string, string>()

  /** Texts that must not get out: our token, cookies, and the tokens that namenodes gave us for datanodes. */
  readonly #secrets = new Set<string>()
  readonly #ownSecrets: readonly string[]

  constructor(settings: WebHdfsSettings, runtime: Runtime, negotiator: Negotiator) {
    this.#negotiator = settings.kerberos ? negotiator : undefined
    const { delegationToken, doAs, password } = settings
    const basic = password === undefined ? undefined : base64(`${settings.user}:${password}`)
    this.#basic = basic === undefined ? undefined : `Basic ${basic}`
    this.#ownSecrets = [delegationToken, password, basic].flatMap((secret) => (secret === undefined ? [] : formsOf(secret)))
    if (delegationToken !== undefined) this.query = [['delegation', delegationToken]]
    else {
      // With a password it is the gateway that says who we are.
      const user = settings.kerberos || basic !== undefined ? undefined : (settings.user ?? runtime.env('HADOOP_USER_NAME') ?? systemUser())
      this.query = [
        ...(user === undefined || user === '' ? [] : [['user.name', user] as const]),
        ...(doAs === undefined ? [] : [['doas', doAs] as const]),
      ]
    }
  }

  /** Headers for a server the user named. */
  headers(origin: string): Record<string, string> {
    const cookie = this.#cookies.get(origin)
    return { ...(cookie === undefined ? {} : { cookie }), ...(this.#basic === undefined ? {} : { authorization: this.#basic }) }
  }

  /** What to do about a 401: a proof to send along, or nothing. */
  async prove(url: URL, challenge: string | undefined): Promise<Negotiation | undefined> {
    this.#cookies.delete(url.origin)
    if (this.#negotiator === undefined || challenge === undefined || !/\bnegotiate\b/i.test(challenge)) return undefined
    return this.#negotiator(bareHost(url.hostname))
  }

  /** Keeps the cookie of an accepted proof, and lets the server prove itself where it offers to. */
  async accepted(url: URL, proof: Negotiation, challenge: string | undefined, cookies: readonly string[]): Promise<void> {
    const serverToken = /\bnegotiate\s+([A-Za-z0-9+/=]+)/i.exec(challenge ?? '')?.[1]
    if (serverToken !== undefined) {
      try {
        await proof.finish(serverToken)
      } catch (error) {
        const message = `the server at ${url.host} could not prove by Kerberos that it is who it should be (${plainText(String(error))})`
        throw new WebHdfsFault({ kind: 'refused', name: 'server not proven', message, code: 'PERMISSION_DENIED' })
      }
    }
    const cookie = cookies.map((each) => each.split(';', 1)[0] as string).find((each) => /^hadoop\.auth=./.test(each))
    if (cookie === undefined) return
    this.#cookies.set(url.origin, cookie)
    this.#keepSecret(cookie.slice(cookie.indexOf('=') + 1).replaceAll('"', ''))
  }

  /** Notes the token that a redirect carries. */
  noteHop(url: URL): void {
    const token = url.searchParams.get('delegation')
    if (token !== null) this.#keepSecret(token)
  }

  /** A text without any secret known here, whoever put it in. */
  hide(text: string): string {
    let hidden = text
    for (const secret of [...this.#ownSecrets, ...this.#secrets]) hidden = hidden.replaceAll(secret, '…')
    return hidden
  }

  #keepSecret(text: string): void {
    // The latest are enough: texts of a failure are about the request that failed.
    for (const old of this.#secrets) {
      if (this.#secrets.size < MOST_SECRETS) break
      this.#secrets.delete(old)
    }
    for (const form of formsOf(text)) {
      this.#secrets.delete(form)
      this.#secrets.add(form)
    }
  }
}

/** As it is and as it stands in a URL. Anything shorter than a few characters is no secret, and would tear words apart. */
function formsOf(secret: string): string[] {
  return secret.length < SHORTEST_SECRET ? [] : [...new Set([secret, encodeURIComponent(secret)])]
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...encodeUtf8(text)))
}

/** As Hadoop's clients do where nothing else is said. */
function systemUser(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
