// Maintenance of tables: what takes away, brings back, checks and takes over files.
export { type VacuumOptions, type VacuumResult, vacuum } from './vacuum.js'
