/** Compiles only when `A` and `B` are the same type, readonly and optional included. */
export const equal = <A, B>(..._: Same<A, B> extends true ? [] : [never]): void => {}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
