/** Longest time of a timer; Node runs one of more after a millisecond: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
export const MOST_TIMER_MS: number = 2 ** 31 - 1
