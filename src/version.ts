// The package's version, for `engineInfo` and `created_by`. A test holds it equal to package.json.

/** The version of this package. */
export const VERSION: string = '0.1.0'
