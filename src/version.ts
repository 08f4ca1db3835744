/**
 * The version of this package. A constant, not read from package.json, so that it also holds inside a bundle;
 * `npm run lint` compares it with package.json and Cargo.toml.
 */
export const version = '0.1.0'
