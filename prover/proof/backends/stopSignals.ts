/**
 * Ctrl-C and a service manager's stop reach every process of a group at once. What is under way here is its parent's to end: it may
 * still want the proof in hand, and this process ends when its parent does.
 */
export function ignoreStopSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
}
