/** `zkrisk price`: value and Greeks of one option. */
import type { Command } from 'commander'
import type { PriceRequest } from '../answers/optionPrices.ts'
import { requireOptions } from '../text/usageError.ts'
import { action, addCommand } from './command.ts'

export function addPriceCommand(program: Command): void {
  addCommand(program, 'price', 'value and Greeks of one option, by the exact twin and by floating point', [
    'price --forward 65000 --strike 70000 --days 30 --vol 65%',
    'price --forward 65000 --strike 60000 --expiry 2026-03-27 --as-of 2026-02-05 --vol 0.7 --rate 0.04 --put --json',
  ])
    .requiredOption('--forward <price>', 'forward of the expiry')
    .requiredOption('--strike <price>', 'strike')
    .requiredOption('--vol <volatility>', 'implied volatility, 0.65 or 65%')
    .option('--days <number>', 'days to expiry')
    .option('--expiry <time>', 'time of expiry instead; a date means 08:00 UTC')
    .option('--as-of <time>', 'time to price at (default: now); a date means 08:00 UTC here, too')
    .option('--rate <rate>', 'continuously compounded, per year, 0.04 or 4%; may be negative', '0')
    .option('--put', 'a put instead of a call')
    .action(
      action<PriceRequest, []>(async (terminal, request) => {
        const { formatPrice, priceJson, priceOption } = await import('../answers/optionPrices.ts')
        if (request.expiry === undefined) requireOptions({ 'as-of': request.asOf }, { needs: 'expiry' })
        const answer = priceOption(request, BigInt(Math.floor(Date.now() / 1000)))
        terminal.result(priceJson(answer), formatPrice(answer))
      }),
    )
}
