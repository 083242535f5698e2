import { readFileSync } from 'node:fs'

/** The most memory that this process has held. */
export function peakResidentBytes(): number {
  // What getrusage tells on Linux includes the parent's, from before exec.
  return bytesOf('self', 'VmHWM') ?? process.resourceUsage().maxRSS * 1024
}

/** What the system says a process holds now; undefined where it does not say (only Linux does). */
export function residentBytes(pid: number): number | undefined {
  return bytesOf(pid, 'VmRSS')
}

function bytesOf(process: number | 'self', name: string): number | undefined {
  try {
    const status = readFileSync(`/proc/${process}/status`, 'utf8')
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  } catch {
    return undefined
  }
}
