// The types for ES modules: those of CommonJS, so that a program of both has one type of each name.
export * from './index.cjs'
