/** Errors that our contracts declare, with what they say of them, and those that come with what they are built on. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { filesBelow, root } from '../tools/sources.ts'

export type Revert = {
  readonly name: string
  /** Types and names of its arguments, as its ABI has them: packed words are numbers there. */
  readonly parameters: string
  /** When a contract reverts with it. */
  readonly cause: string
  /** File that declares it; none of OpenZeppelin's, which say nothing of theirs. */
  readonly file?: string
}

const declaration = /((?:^[ \t]*\/\/\/.*\n)+)[ \t]*error (\w+)\(([^)]*)\);/gm

/** Every error of `contracts/`, but those of mocks, by name, and OpenZeppelin's among them. */
export function revertsOfContracts(): readonly Revert[] {
  const files = filesBelow('contracts', '.sol').filter((file) => !file.includes('/mocks/'))
  return [...files.flatMap(declaredIn), ...inherited].sort(
    (a, b) => compare(a.name, b.name) || compare(a.file ?? '', b.file ?? ''),
  )
}

function declaredIn(file: string): readonly Revert[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(declaration)].map(([, comment = '', name = '', parameters = '']) => ({
    name,
    parameters: parameters
      .replace(/\s+/g, ' ')
      .replace(/\b[A-Z]\w*Word\b/g, 'uint256')
      .trim(),
    cause: causeIn(comment),
    file,
  }))
}

const causeIn = (comment: string): string =>
  comment
    .replace(/^[ \t]*\/\/\/ ?(?:@notice )?/gm, '')
    .replace(/\{(?:\w+-)?(\w+)\}/g, '`$1`')
    .replace(/\s+/g, ' ')
    .trim()

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The page's line of an error, in columns: error, cause, what to do, where it is declared. */
export function rowOf({ name, parameters, cause, file }: Revert, advice: string): string {
  const place = file === undefined ? 'OpenZeppelin' : `[${basename(file, '.sol')}](../../${file})`
  return `| \`${name}(${parameters})\` | ${[cause, advice].map((text) => text.replaceAll('|', '\\|')).join(' | ')} | ${place} |`
}

const inherited: readonly Revert[] = [
  ['AccessManagedInvalidAuthority', 'address authority', 'The authority that a contract is to obey is none.'],
  ['AccessManagedRequiredDelay', 'address caller, uint32 delay', 'The caller may do this after a delay alone.'],
  ['AccessManagedUnauthorized', 'address caller', 'The caller does not have the role that the function asks for.'],
  ['AccessManagerAlreadyScheduled', 'bytes32 operationId', 'The call is scheduled already.'],
  ['AccessManagerBadConfirmation', '', 'A role is given up with the caller’s own address.'],
  ['AccessManagerExpired', 'bytes32 operationId', 'The call was scheduled too long ago.'],
  ['AccessManagerInvalidInitialAdmin', 'address initialAdmin', 'The first administrator is the zero address.'],
  ['AccessManagerLockedFunction', 'bytes4 selector', 'The function is the council’s own to restrict.'],
  ['AccessManagerLockedRole', 'uint64 roleId', 'The role of administrators, or of everybody, is not for change.'],
  ['AccessManagerNotReady', 'bytes32 operationId', 'The delay of the scheduled call is not over.'],
  [
    'AccessManagerNotScheduled',
    'bytes32 operationId',
    'Nobody has scheduled the call, or it was cancelled or executed.',
  ],
  [
    'AccessManagerUnauthorizedAccount',
    'address msgsender, uint64 roleId',
    'The caller does not have the role that this needs.',
  ],
  [
    'AccessManagerUnauthorizedCall',
    'address caller, address target, bytes4 selector',
    'The caller may not call this function, neither at once nor after a delay.',
  ],
  [
    'AccessManagerUnauthorizedCancel',
    'address msgsender, address caller, address target, bytes4 selector',
    'Only who scheduled a call, its guardian or an administrator cancels it.',
  ],
  ['AccessManagerUnauthorizedConsume', 'address target', 'A contract asks to use up a call that is not under way.'],
  ['AddressEmptyCode', 'address target', 'What is called is no contract.'],
  ['FailedCall', '', 'What was called reverted without a reason.'],
  ['InsufficientBalance', 'uint256 balance, uint256 needed', 'The contract has fewer coins than it is to send.'],
  ['InvalidShortString', '', 'A short text has more than 31 bytes.'],
  ['ReentrancyGuardReentrantCall', '', 'The contract was called from within a call of it, as by a token.'],
  ['SafeCastOverflowedIntDowncast', 'uint8 bits, int256 value', 'A number does not fit so many bits.'],
  ['SafeCastOverflowedIntToUint', 'int256 value', 'A number that may not be negative is.'],
  ['SafeCastOverflowedUintDowncast', 'uint8 bits, uint256 value', 'A number does not fit so many bits.'],
  ['SafeCastOverflowedUintToInt', 'uint256 value', 'A number is too great to have a sign.'],
  ['SafeERC20FailedOperation', 'address token', 'The token refused a transfer or an approval.'],
  ['StringTooLong', 'string str', 'A text is longer than 31 bytes.'],
  ['StringsInsufficientHexLength', 'uint256 value, uint256 length', 'A number has more digits than its text.'],
].map(([name = '', parameters = '', cause = '']) => ({ name, parameters, cause }))
