import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { ProverError } from '../errors.ts'

/**
 * Text of a file, plain or gzipped, in UTF-8 with or without its byte order mark, in UTF-16 as PowerShell writes it, or in the code
 * page of older spreadsheets. Every file that people write is read so.
 *
 * @throws {@link FileEncodingError} if it is UTF-16 and cut short; {@link FileArchiveError} if it is a zip archive; what the file system and gzip throw
 */
export function readTextFile(file: string): string {
  const bytes = readFileSync(file)
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  return decodeText(isGzip ? gunzipSync(bytes) : bytes, file)
}

/** Why a file could not be read, in words; {@link readTextFile} throws what the file system and gzip throw. */
export function whyUnreadable(cause: unknown): string {
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code ?? '')
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a folder'
  if (code === 'EACCES' || code === 'EPERM') return 'reading it is not permitted'
  if (code === 'ERR_STRING_TOO_LONG') return 'it is larger than 512 MB: cut it into parts'
  return code.startsWith('Z_') ? 'its compression is damaged or cut short' : `the system says ${code || 'nothing more'}`
}

/** How a zip archive begins. */
const ZIP = Buffer.from('PK\u0003\u0004')

function decodeText(bytes: Buffer, file: string): string {
  const [first = 0, second = 0] = bytes
  const isLittle = (first === 0xff && second === 0xfe) || (first !== 0 && second === 0 && bytes.length > 1)
  const isBig = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
  if (bytes.subarray(0, 4).equals(ZIP)) throw new FileArchiveError(file)
  if (isLittle || isBig) return decodeUtf16(bytes, isLittle ? 'utf-16le' : 'utf-16be', file)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // Digits and delimiters are the same in both; only names may have letters that are not
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

function decodeUtf16(bytes: Buffer, encoding: 'utf-16le' | 'utf-16be', file: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new FileEncodingError(file, `UTF-16 (${encoding === 'utf-16le' ? 'little' : 'big'} endian) that is damaged`)
  }
}

/** The file is a zip archive. */
export class FileArchiveError extends ProverError {
  readonly code = 'market.file-archive'
  readonly file: string

  constructor(file: string) {
    super(`${file}: expected text, plain or gzipped, got a zip archive. Unpack it, and name the file in it.`)
    this.file = file
  }
}

/** The file's text is UTF-16, and not whole. */
export class FileEncodingError extends ProverError {
  readonly code = 'market.file-encoding'
  readonly file: string
  readonly encoding: string

  constructor(file: string, encoding: string) {
    super(`${file}: expected text in UTF-8, got ${encoding}. Save it as UTF-8.`)
    this.file = file
    this.encoding = encoding
  }
}
