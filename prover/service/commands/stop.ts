/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    stopSignal().addEventListener('abort', () => resolve())
    // Waiting for a signal alone would not keep the process alive.
    setInterval(() => {}, 2 ** 30)
  })
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      controller.abort()
      process.once(signal, () => process.exit(1))
    })
  }
  return controller.signal
}
