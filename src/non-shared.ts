/** Bytes on memory of their own, which may be transferred: `Uint8Array<ArrayBuffer>` where array types have an argument (TypeScript from 5.7 on). */
export type NonSharedUint8Array = ReturnType<Uint8ArrayConstructor['from']>

/** `Uint16Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedUint16Array = ReturnType<Uint16ArrayConstructor['from']>

/** `Uint32Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedUint32Array = ReturnType<Uint32ArrayConstructor['from']>

/** `Int32Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedInt32Array = ReturnType<Int32ArrayConstructor['from']>

/** `Float32Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedFloat32Array = ReturnType<Float32ArrayConstructor['from']>

/** `Float64Array<ArrayBuffer>`, as {@link NonSharedUint8Array}. */
export type NonSharedFloat64Array = ReturnType<Float64ArrayConstructor['from']>
