// Deletion vectors: which rows of a data file are gone (PROTOCOL.md, "Deletion Vectors").

export { DeletedRows } from './deleted-rows.js'
export { deletionVectorPath, loadDeletionVector } from './load.js'
