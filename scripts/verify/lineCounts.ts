/** Lines of sources, executed or not, as the collector of Hardhat writes them, and a table of them. */

/** Of one source; lines from 1. */
export type LineCounts = { readonly file: string; readonly lines: number; readonly missed: readonly number[] }

/** @param lcov - a tracefile: `SF:` begins a source, `DA:line,count` is a line */
export function lineCountsOf(lcov: string): readonly LineCounts[] {
  return lcov
    .split('end_of_record')
    .map((record) => ({ file: /^SF:(.*)$/m.exec(record)?.[1], lines: [...record.matchAll(/^DA:(\d+),(\d+)/gm)] }))
    .flatMap(({ file, lines }) =>
      file === undefined
        ? []
        : [
            {
              file: file.replaceAll('\\', '/'),
              lines: lines.length,
              missed: lines.filter(([, , count]) => count === '0').map(([, line]) => Number(line)),
            },
          ],
    )
    .sort((a, b) => (a.file < b.file ? -1 : 1))
}

/** A row a source, and the total. */
export function tableOf(counts: readonly LineCounts[]): string {
  const sum = (of: (each: LineCounts) => number): number => counts.reduce((total, each) => total + of(each), 0)
  const total = { file: 'total', lines: sum(({ lines }) => lines), missed: counts.flatMap(({ missed }) => missed) }
  const width = Math.max(...[...counts, total].map(({ file }) => file.length))
  const share = (covered: number, lines: number): string =>
    lines === 0 ? '' : `${((100 * covered) / lines).toFixed(1)} %`
  return [...counts, total]
    .map(({ file, lines, missed }) => {
      const covered = lines - missed.length
      return `${file.padEnd(width)}  ${`${covered} of ${lines}`.padStart(12)}  ${share(covered, lines).padStart(8)}`
    })
    .join('\n')
}
