// Curves through a space of several columns: a row's coordinates as its place on the curve. Pure. Rule: places have 52 bits at most, so that
// a plain number holds them exactly.

/** Bits that a place on a curve may have. */
const PLACE_BITS = 52
/** More than this tells no more rows apart than files could hold. */
const MAX_BITS = 16

/** Bits of each coordinate where there are so many. @throws RangeError for more dimensions than a place has bits for */
export function bitsFor(dimensions: number): number {
  const bits = Math.min(MAX_BITS, Math.floor(PLACE_BITS / dimensions))
  if (bits < 1) throw new RangeError(`a curve through ${dimensions} columns needs more than ${PLACE_BITS} bits`)
  return bits
}

/** The place of a point on the Z-order curve: the bits of its coordinates in turn, the highest first. */
export function zOrderPlace(point: Uint32Array, bits: number): number {
  let place = 0
  for (let bit = bits - 1; bit >= 0; bit--) {
    for (let axis = 0; axis < point.length; axis++) place = place * 2 + (((point[axis] as number) >>> bit) & 1)
  }
  return place
}

/**
 * The place of a point on the Hilbert curve, of which neighbours are neighbours in space (J. Skilling, "Programming the Hilbert
 * curve", 2004). Changes the point.
 */
export function hilbertPlace(point: Uint32Array, bits: number): number {
  const axes = point.length
  const at = (axis: number): number => point[axis] as number
  for (let q = 2 ** (bits - 1); q > 1; q /= 2) {
    const low = q - 1
    for (let axis = 0; axis < axes; axis++) {
      if ((at(axis) & q) !== 0) {
        point[0] = at(0) ^ low
      } else {
        const swapped = (at(0) ^ at(axis)) & low
        point[0] = at(0) ^ swapped
        point[axis] = at(axis) ^ swapped
      }
    }
  }
  // Gray code.
  for (let axis = 1; axis < axes; axis++) point[axis] = at(axis) ^ at(axis - 1)
  let flips = 0
  for (let q = 2 ** (bits - 1); q > 1; q /= 2) if ((at(axes - 1) & q) !== 0) flips ^= q - 1
  for (let axis = 0; axis < axes; axis++) point[axis] = at(axis) ^ flips
  return zOrderPlace(point, bits)
}
