// Tables on S3 and servers that speak its language, as the sub-path `alluvium/s3`.
export type { S3Options } from './options.js'
export { s3Storage } from './store.js'
