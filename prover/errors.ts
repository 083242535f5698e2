/**
 * Root of every error the engine throws on purpose.
 *
 * `code` is `<stage>.<condition>` and stable: tests, exit codes and HTTP answers match it, never the message.
 */
export abstract class ProverError extends Error {
  abstract readonly code: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}
