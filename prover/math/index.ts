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
  sqrtDown,
  sqrtUp,
  subtractOrZero,
} from './fixedPoint.ts'
export { EXP2_SCALE, exp2Negative } from './exp2.ts'
export { lnDown } from './ln.ts'
