// SPNEGO through the optional package `kerberos`: tickets of the system become headers.
// One rule: a ticket is asked for only for servers the user named, never for one a redirect names.
import { WebHdfsFault } from './fault.js'

/** One proof: the token to send, and the check of what the server sends back. */
export interface Negotiation {
  readonly token: string
  /** Fails when the server cannot prove that it is who it should be. */
  finish(serverToken: string): Promise<void>
}

/** Begins a proof of who we are for the service HTTP on a host. */
export type Negotiator = (host: string) => Promise<Negotiation>

interface KerberosClient {
  step(challenge: string): Promise<string>
}
interface KerberosModule {
  initializeClient(service: string, options: Record<string, unknown>): Promise<KerberosClient>
  readonly GSS_MECH_OID_SPNEGO: number
}

/** Proofs by the package `kerberos`. @throws WebHdfsFault when it is not installed, or there is no ticket. */
export const kerberosNegotiator: Negotiator = async (host) => {
  const kerberos = await loadKerberos()
  try {
    const client = await kerberos.initializeClient(`HTTP@${host}`, { mechOID: kerberos.GSS_MECH_OID_SPNEGO })
    return {
      token: await client.step(''),
      finish: async (serverToken) => {
        await client.step(serverToken)
      },
    }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw denied('no Kerberos ticket', `${said.replaceAll('\n', ' ')}. Get one with kinit for a service HTTP/${host}`)
  }
}

function denied(name: string, message: string): WebHdfsFault {
  return new WebHdfsFault({ kind: 'refused', name, message, code: 'PERMISSION_DENIED', unsent: true })
}

async function loadKerberos(): Promise<KerberosModule> {
  try {
    // Not a literal, so that neither the compiler nor a bundler looks for a package that need not be there.
    const name: string = 'kerberos'
    const loaded = (await import(name)) as { default?: KerberosModule } & KerberosModule
    return loaded.default ?? loaded
  } catch {
    const message = 'the option kerberos needs the npm package kerberos (npm install kerberos; it is built against libkrb5)'
    throw new WebHdfsFault({ kind: 'refused', name: 'no package kerberos', message, code: 'INVALID_OPTIONS', unsent: true })
  }
}
