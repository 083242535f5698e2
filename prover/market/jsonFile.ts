/** A file in JSON that people write. */
import { ProverError } from '../errors.ts'
import { jsonFault } from './jsonFault.ts'
import { readTextFile, whyUnreadable } from './textFile.ts'

const MOST_CHARACTERS = 1 << 20

/** @param refusal - the error for a file that cannot be read, is no JSON, or is longer than anybody writes */
export function readJsonFile(file: string, refusal: (reason: string) => ProverError): unknown {
  let text: string
  try {
    text = readTextFile(file)
  } catch (cause) {
    throw cause instanceof ProverError ? cause : refusal(whyUnreadable(cause))
  }
  if (text.length > MOST_CHARACTERS) throw refusal('it is longer than any file of its kind')
  const fault = jsonFault(text)
  if (fault !== undefined) throw refusal(`it is no JSON at line ${fault.line}, column ${fault.column}: ${fault.reason}`)
  return JSON.parse(text)
}
