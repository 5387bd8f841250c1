// The JSON that WebHDFS servers answer. Pure.
import type { HdfsException, HdfsNode } from './hdfs-tree.js'
import type { ServiceAnswer } from './server.js'

const JSON_TYPE = { 'Content-Type': 'application/json' }

export function jsonAnswer(value: unknown, status = 200): ServiceAnswer {
  return { status, headers: JSON_TYPE, body: JSON.stringify(value) }
}

/** A refusal in the namenode's form, on one line; datanodes add a Java stack trace after the first line break. */
export function exceptionAnswer(error: HdfsException, options: { readonly status?: number; readonly trace?: boolean } = {}): ServiceAnswer {
  const message =
    options.trace === true ? `${error.message}\n\tat org.apache.hadoop.hdfs.server.namenode.FSNamesystem.emulated\n` : error.message
  return jsonAnswer(
    { RemoteException: { exception: error.name, javaClassName: error.javaClassName, message } },
    options.status ?? error.status,
  )
}

/** A page as servlet containers make them. */
export function htmlAnswer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): ServiceAnswer {
  return {
    status,
    headers: { 'Content-Type': 'text/html;charset=iso-8859-1', ...headers },
    body: `<html><head><title>Error ${status} ${text}</title></head><body><h2>HTTP ERROR ${status} ${text}</h2></body></html>`,
  }
}

/** An object's line in FileStatus and FileStatuses. A file being written has no length yet. */
export function fileStatus(node: HdfsNode, pathSuffix: string): Record<string, string | number> {
  return {
    accessTime: node.folder ? 0 : node.modifiedMs,
    blockSize: node.folder ? 0 : 134_217_728,
    childrenNum: node.folder ? node.children.size : 0,
    fileId: node.fileId,
    group: 'supergroup',
    length: node.folder || node.open ? 0 : node.bytes.length,
    modificationTime: node.modifiedMs,
    owner: node.owner,
    pathSuffix,
    permission: node.folder ? '755' : '644',
    replication: node.folder ? 0 : 1,
    storagePolicy: 0,
    type: node.folder ? 'DIRECTORY' : 'FILE',
  }
}

/** What `LISTSTATUS` shows: what is in a folder, or a file itself under no name. */
export function listing(node: HdfsNode, entries: readonly (readonly [string, HdfsNode])[]): Record<string, string | number>[] {
  return node.folder ? entries.map(([name, child]) => fileStatus(child, name)) : [fileStatus(node, '')]
}
