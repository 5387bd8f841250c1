// `alluvium/webhdfs`: tables on a Hadoop cluster, over its HTTP interface.
export { type WebHdfsOptions, webhdfsOptions } from './options.js'
export { type WebHdfsStorage, webhdfsStorage } from './store.js'
