// Where a redirect may lead: the policy that keeps a namenode's answer from sending us to addresses no datanode has.
// One rule: both the name in a redirect and every address a name resolves to are judged; nothing of ours is sent before.
import dns from 'node:dns'
import net from 'node:net'
import { WebHdfsFault } from './fault.js'

/** One hop as it is taken: the URL to ask for, and where the connection goes when a map says so. */
export interface Hop {
  readonly url: URL
  readonly connect?: { readonly host: string; readonly port: number }
}

/** What is known of the server that sent us. */
export interface Redirector {
  readonly url: URL
  /** The address its connection had. */
  readonly address: string | undefined
}

/** Names of clouds' metadata services. */
const METADATA_NAMES = new Set(['metadata', 'metadata.google.internal', 'instance-data', 'instance-data.ec2.internal'])

const never = new net.BlockList()
never.addSubnet('169.254.0.0', 16, 'ipv4') // link-local: AWS, Azure, Google metadata
never.addSubnet('fe80::', 10, 'ipv6')
never.addAddress('fd00:ec2::254', 'ipv6') // AWS metadata
never.addAddress('fd20:ce::254', 'ipv6') // Google metadata
never.addAddress('100.100.100.200', 'ipv4') // Alibaba metadata
never.addAddress('192.0.0.192', 'ipv4') // Oracle metadata
never.addAddress('168.63.129.16', 'ipv4') // Azure's host
never.addSubnet('0.0.0.0', 8, 'ipv4')
never.addSubnet('224.0.0.0', 3, 'ipv4') // multicast and reserved
never.addAddress('::', 'ipv6')
never.addSubnet('ff00::', 8, 'ipv6')

const loopback = new net.BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Judges a redirect. @throws WebHdfsFault of kind 'refused', in words that repeat only its host. */
export function checkHop(location: string | undefined, from: Redirector, hostMap: ReadonlyMap<string, string>): Hop {
  let url: URL
  try {
    url = new URL(location ?? '', from.url)
  } catch {
    throw refused('its address is malformed')
  }
  if (location === undefined || location === '') throw refused('it names no address')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(`its protocol is ${url.protocol}`)
  if (url.username !== '' || url.password !== '') throw refused('its address has a user or password')
  if (from.url.protocol === 'https:' && url.protocol === 'http:') {
    throw refused(`it leads from https to http at ${url.host}; let the datanodes use https too (dfs.http.policy)`)
  }
  if (!url.pathname.includes('/webhdfs/')) throw refused(`it leads to something at ${url.host} that is not WebHDFS`)
  url.hash = ''
  if (url.origin === from.url.origin) return { url }
  const mapped = hostMap.get(url.host.toLowerCase()) ?? hostMap.get(url.hostname.toLowerCase())
  if (mapped !== undefined) return { url, connect: addressOf(mapped, url) }
  const host = bareHost(url.hostname)
  if (METADATA_NAMES.has(host.toLowerCase().replace(/\.$/, ''))) throw refused(`${host} is a metadata service`)
  const problem = net.isIP(host) === 0 ? undefined : addressProblem(host, isLoopback(from.address))
  if (problem !== undefined) throw refused(problem)
  return { url }
}

/** A `lookup` for sockets that refuses what {@link checkHop} would refuse as an address. */
export function guardedLookup(allowLoopback: boolean): net.LookupFunction {
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0)
      for (const { address } of addresses) {
        const problem = addressProblem(address, allowLoopback)
        if (problem !== undefined) return callback(Object.assign(new Error(`${hostname}: ${problem}`), { code: 'EREFUSEDHOST' }), '', 0)
      }
      if (options.all === true) return callback(null, addresses)
      const first = addresses[0]
      if (first === undefined) return callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), '', 0)
      callback(null, first.address, first.family)
    })
  }
}

/** Whether a connection's address is this machine's own. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && inList(loopback, address)
}

/** A URL's host as sockets take it: IPv6 without brackets. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function addressProblem(address: string, allowLoopback: boolean): string | undefined {
  if (inList(never, address)) return `${address} is no datanode's address (link-local, metadata service, multicast or unspecified)`
  if (!allowLoopback && isLoopback(address)) {
    return `${address} is this machine, and the namenode is not on it; if that is meant, say so with the storage option hostMap`
  }
  return undefined
}

/** IPv4 in IPv6 clothes (::ffff:a.b.c.d, 64:ff9b::a.b.c.d) is judged as IPv4. */
function inList(list: net.BlockList, address: string): boolean {
  const family = net.isIP(address)
  if (family === 0) return false
  if (family === 4) return list.check(address, 'ipv4')
  if (list.check(address, 'ipv6')) return true
  const inner = embeddedIpv4(address)
  return inner !== undefined && list.check(inner, 'ipv4')
}

function embeddedIpv4(address: string): string | undefined {
  // The URL parser writes every IPv6 address in one form: compressed, in hexadecimal.
  const zone = address.indexOf('%')
  const form = new URL(`http://[${zone < 0 ? address : address.slice(0, zone)}]`).hostname.slice(1, -1)
  const match = /^(?:::ffff:|::|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(form)
  if (match === null) return undefined
  const [high, low] = [Number.parseInt(match[1] as string, 16), Number.parseInt(match[2] as string, 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

function addressOf(mapped: string, url: URL): { host: string; port: number } {
  const port = /:(\d+)$/.exec(mapped)?.[1]
  const host = bareHost(port === undefined ? mapped : mapped.slice(0, -port.length - 1))
  return { host, port: Number(port ?? (url.port || (url.protocol === 'https:' ? 443 : 80))) }
}

function refused(problem: string): WebHdfsFault {
  return new WebHdfsFault({
    kind: 'refused',
    name: 'redirect refused',
    message: `the namenode sent us on, and the redirect is not followed: ${problem}`,
  })
}
