// Maintenance of tables: what takes away, brings back, checks and takes over files.
export { type CloneOptions, type CloneResult, cloneTable } from './clone.js'
export { type ConvertOptions, type ConvertResult, convert } from './convert.js'
export { type FsckFinding, type FsckOptions, type FsckResult, fsck } from './fsck.js'
export { type RestoreOptions, type RestoreResult, restore } from './restore.js'
export { type VacuumOptions, type VacuumResult, vacuum } from './vacuum.js'
