// What a WebHDFS store may be told. One rule: whatever is wrong is said without repeating a value.
import { z } from 'zod'
import type { Runtime } from '../../runtime.js'
import { checkOptions, countField, flagField, textField } from '../options.js'

/** Options of a WebHDFS store. On a command line lists are comma-separated texts. */
export interface WebHdfsOptions {
  /** The user to act as where the cluster asks for no proof; `HADOOP_USER_NAME` by default, else the system's user. */
  readonly user?: string
  /** The user's password, for gateways that ask for one (Knox). Only over TLS, and only to the servers that were named. */
  readonly password?: string
  /** Act for this user; the cluster must allow it (`hadoop.proxyuser.…`). */
  readonly doAs?: string
  /**
   * `host:port` of every namenode (or HttpFS, or Knox), `https://host:port` where only that one has TLS. Then the URL's host is
   * a mere name, unless it has a port: such a one is asked first.
   */
  readonly namenodes?: string | readonly string[]
  /** A delegation token, in place of a user. */
  readonly delegationToken?: string
  /** Prove who we are by SPNEGO with the system's Kerberos tickets. Needs the optional package `kerberos`. */
  readonly kerberos?: boolean
  /** Where datanodes are reached from here, by the name the namenode gives them: `{ 'dn1:9864': 'localhost:19864' }` or `dn1=10.0.0.7`. */
  readonly hostMap?: string | Readonly<Record<string, string>>
  /** Certificates to trust for TLS in place of the system's: PEM text, or the path of a PEM file. */
  readonly ca?: string
  /** What new files and folders are not: octal, `022` by default (0644 and 0755). WebHDFS itself would let everybody write new folders. */
  readonly umask?: string
  /** A connection on which nothing moves for so long is given up; 30,000 milliseconds by default. */
  readonly stallTimeoutMs?: number
  /** How long a call goes on trying while namenodes are away, starting or in safe mode; 30,000 milliseconds by default. */
  readonly retryMs?: number
  /** Connections to one namenode at once; 16 by default. */
  readonly maxRequests?: number
  /** Time and randomness; the machine's own by default. */
  readonly runtime?: Runtime
}

/** The options as they are used. */
export interface WebHdfsSettings {
  readonly user?: string
  readonly password?: string
  readonly doAs?: string
  readonly namenodes: readonly string[]
  readonly delegationToken?: string
  readonly kerberos: boolean
  readonly hostMap: ReadonlyMap<string, string>
  readonly ca?: string
  readonly umask: string
  readonly stallTimeoutMs: number
  readonly retryMs: number
  readonly maxRequests: number
}

/** A name or address, IPv6 in brackets, with or without a port. */
const HOST = String.raw`(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::\d{1,5})?`
const HOST_ONLY = new RegExp(`^${HOST}$`)
const NAMENODE = new RegExp(`^(?:https?://)?${HOST}$`)

const namenodes = z
  .union([z.array(z.string()), z.string().transform((text) => text.split(','))], { error: 'must be host:port, separated by commas' })
  .transform((list) => list.map((each) => each.trim()))
  .refine((list) => list.length > 0 && list.every((each) => NAMENODE.test(each)), { error: 'must be host:port, separated by commas' })

const umaskError = 'must be three octal digits, such as 022'
const hostMapError = 'must be name=host[:port], separated by commas'
const hostMap = z
  .union([z.record(z.string(), z.string()), z.string().transform(pairsOf)], { error: hostMapError })
  .transform((map) => new Map(Object.entries(map).map(([name, host]) => [name.toLowerCase(), host])))
  .refine((map) => [...map].every(([name, host]) => HOST_ONLY.test(name) && HOST_ONLY.test(host)), { error: hostMapError })

/** The schema of {@link WebHdfsOptions}, texts of a command line included. */
export const webhdfsOptions: z.ZodObject = z
  .strictObject({
    user: textField(),
    password: textField(),
    doAs: textField(),
    namenodes: namenodes.default([]),
    delegationToken: textField(),
    kerberos: flagField().default(false),
    hostMap: hostMap.default(new Map()),
    ca: textField(),
    umask: z
      .string({ error: umaskError })
      .regex(/^0?[0-7]{3}$/, { error: umaskError })
      .default('022'),
    stallTimeoutMs: countField(100, 3_600_000).default(30_000),
    retryMs: countField(0, 3_600_000).default(30_000),
    maxRequests: countField(1, 1024).default(16),
  })
  .partial()
  .superRefine((given, context) => {
    const fault = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    if (given.delegationToken !== undefined && given.user !== undefined) fault('delegationToken', 'and user exclude each other')
    if (given.delegationToken !== undefined && given.doAs !== undefined) fault('delegationToken', 'and doAs exclude each other')
    if (given.delegationToken !== undefined && given.kerberos === true) fault('delegationToken', 'and kerberos exclude each other')
    if (given.password !== undefined && given.user === undefined) fault('password', 'goes with user')
    if (given.password !== undefined && `${given.user}`.includes(':')) fault('user', 'must not have a colon where there is a password')
    if (given.kerberos === true && given.user !== undefined) fault('user', 'and kerberos exclude each other: the ticket says who we are')
  })

/** Checks options. @throws AlluviumError `INVALID_OPTIONS` with every fault. */
export function webhdfsSettings(options: WebHdfsOptions): WebHdfsSettings {
  const { runtime: _, ...rest } = options
  return checkOptions<WebHdfsSettings>(webhdfsOptions, rest, 'WebHDFS')
}

function pairsOf(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair): [string, string] => {
    const at = pair.indexOf('=')
    return at < 0 ? [pair.trim(), ''] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
  })
  return Object.fromEntries(pairs)
}
