export { expDown, expFineDown } from './exp.ts'
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
  saturateSigned,
  signedDivDown,
  signedMulDown,
  signedShiftRightDown,
  sqrtDown,
  sqrtUp,
  subtractOrZero,
} from './fixedPoint.ts'
export { lnDown } from './ln.ts'
export {
  GRID_BITS,
  GRID_CDF_BITS,
  GRID_PDF_BITS,
  GRID_PDF_COARSE_BITS,
  GRID_PDF_FINE_BITS,
  gridNormal,
  isOnGrid,
  normalCdfDown,
  normalPdfDown,
} from './normal.ts'
