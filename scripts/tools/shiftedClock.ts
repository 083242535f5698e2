/** The clock of the day in this process, ahead or behind by as much as is wanted; the one that measures durations goes on as it does. */
const Day = Date
let aheadMs = 0

class ShiftedDate extends Day {
  constructor(...of: readonly [] | ConstructorParameters<DateConstructor>) {
    super(...((of.length === 0 ? [ShiftedDate.now()] : of) as [number]))
  }

  static override now(): number {
    return Day.now() + aheadMs
  }
}

/** So many seconds ahead of what it would be, until it is set anew; 0 is right again. */
export function shiftClock(seconds: number): void {
  aheadMs = 1000 * seconds
  globalThis.Date = (seconds === 0 ? Day : ShiftedDate) as DateConstructor
}
