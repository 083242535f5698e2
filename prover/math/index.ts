export { expDown } from './exp.ts'
export { EXP2_SCALE, exp2Negative } from './exp2.ts'
export {
  absoluteDifference,
  clamp,
  DivisionByZeroError,
  divDown,
  divUp,
  max,
  min,
  mulDown,
  mulUp,
  OutOfDomainError,
  saturate,
  shiftRightDown,
  shiftRightUp,
  signedMulDown,
  signedShiftRightDown,
  sqrtDown,
  sqrtUp,
  subtractOrZero,
} from './fixedPoint.ts'
export { lnDown } from './ln.ts'
export { normalCdfDown, normalPdfDown } from './normal.ts'
