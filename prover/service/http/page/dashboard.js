/** The page of a running service: asks its own process for figures, and shows what it answers or why it does not. */
const REFRESH_MS = 5000
const AFTER_EVENT_MS = 300
const COME_BACK_MS = 2000
const SHOWN_BATCHES = 10
const SHOWN_ACCOUNTS = 12
const SHOWN_ROWS = 24
/** Readiness is told from memory; other figures wait for the chain, which the service itself gives up on before. */
const SILENT_MS = 10_000
const PATIENCE_MS = 30_000

const byId = (id) => document.getElementById(id)
const body = (id) => document.querySelector(`#${id} .body`)
const state = { key: sessionStorage.getItem('zkrisk-key') ?? '', market: '', plots: [], series: '', verdict: {} }

/** An element with its attributes and children; text is text, never markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children.map((child) => child ?? ''))
  return made
}

const headers = () => (state.key === '' ? {} : { authorization: `Bearer ${state.key}` })

/** What came; nothing, or what nobody can read, is silence, whichever words the browser has for it. */
async function hear(path, patienceMs) {
  const ended = new AbortController()
  const timer = setTimeout(() => ended.abort(), patienceMs)
  try {
    const response = await fetch(path, { headers: headers(), signal: ended.signal })
    return { response, answer: await response.json() }
  } catch {
    throw Object.assign(new Error('The service does not answer'), { isSilence: true })
  } finally {
    clearTimeout(timer)
  }
}

async function ask(path, patienceMs = PATIENCE_MS) {
  const { response, answer } = await hear(path, patienceMs)
  if (response.status === 401 || response.status === 403) byId('access').hidden = false
  if (!response.ok && path !== 'readyz') throw Object.assign(new Error(answer.detail), { code: answer.code })
  return answer
}

/** Replaces what a place shows. Who has scrolled it or stands in it with the keyboard stays there. */
function put(place, nodes) {
  const scrolls = () => [...place.querySelectorAll('.scroll')]
  const stops = () => [...place.querySelectorAll('.scroll, a')]
  const before = scrolls().map(({ scrollLeft }) => scrollLeft)
  const stop = stops().indexOf(document.activeElement)
  place.replaceChildren(...nodes)
  for (const [i, each] of scrolls().entries()) {
    each.scrollLeft = before[i] ?? 0
    hint(each)
  }
  if (stop >= 0) stops()[stop]?.focus({ preventScroll: true })
}

/** Marks the edges beyond which there is more. */
function hint(place) {
  const hidden = place.scrollWidth - place.clientWidth
  const edges = hidden < 2 ? [] : [place.scrollLeft > 1 && 'before', place.scrollLeft < hidden - 1 && 'after']
  place.parentElement.dataset.more = edges.filter(Boolean).join(' ')
}

const hintAll = () => document.querySelectorAll('.scroll, .links').forEach(hint)

/** Shows a part, or what would bring it. Silence is no answer: the part keeps what it was told. */
async function part(id, path, draw) {
  try {
    put(body(id), draw(await ask(path)))
  } catch (error) {
    if (error.isSilence) throw error
    put(body(id), note(wordsOf(error)))
  }
}

/** What else takes a refusal: one part that is refused leaves the others as they are. */
const saidIn = (id) => (error) => {
  if (error.isSilence) throw error
  byId(id).textContent = wordsOf(error)
  state.series = ''
}

/** The service’s own words; what went wrong in this page is for its developers. */
function wordsOf(error) {
  if (error.isSilence || error.code !== undefined) return error.message
  console.error(error)
  return 'This page cannot show what the service answers: reload it.'
}

/** What only a service has that proves margins of accounts. */
async function ofAccounts(status) {
  const { accounts, portfolio } = status.parts
  if (accounts) await part('pipeline', `v1/accounts/pipeline?limit=${SHOWN_ACCOUNTS}`, drawPipeline)
  else put(body('pipeline'), note(portfolio ? NOT_PROVEN_HERE : noMargins(status)))
}

const NOT_PROVEN_HERE =
  'This service proves no margins of accounts: their circuits are not built here, or it was started with --no-accounts.'

/** What only a registry of margins has; without one the part is not there, and the one on margins says why. */
const hasHedge = ({ parts }) => parts.hedge || parts.portfolio

async function ofMargins(status, id, path, draw, isThere = status.parts.portfolio) {
  byId(id).hidden = !isThere
  document.querySelector(`nav a[href="#${id}"]`).hidden = !isThere
  if (isThere) await part(id, path, draw)
}

const noMargins = ({ isDevelopment }) =>
  'This service has no registry of margins: accounts, open interest, liquidations and a hedge come with one. ' +
  (isDevelopment ? 'For serve --demo, npm run build brings it. ' : '') +
  'A deployment that names one under “portfolio” has it: zkrisk chain --margins docs/examples/short-strangle.json has one to try.'

const percent = (value, digits = 2) => (value === null || value === undefined ? '–' : `${value.toFixed(digits)} %`)
const decimalsOf = (value, digits) => (value !== 0 && Math.abs(value) < 1 ? digits + 4 : digits)
const figure = (value, digits = 2, decimals = decimalsOf(Number(value), digits)) =>
  value === null || value === undefined
    ? '–'
    : Number(value).toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })

/** Figures of one column, which all have the decimals of the largest. */
function column(values, digits = 2) {
  const sizes = values.filter((value) => value !== null && value !== undefined).map((value) => Math.abs(value))
  const decimals = decimalsOf(Math.max(0, ...sizes), digits)
  return values.map((value) => figure(value, digits, decimals))
}

/** Of money of the registry of margins. */
const inCurrency = (name) => (state.currency === undefined ? name : `${name}, ${state.currency}`)
const utc = (time) => (time === null ? '–' : time.slice(0, 19).replace('T', ' '))

/** A time of today alone, any other with its day. */
const when = (time) =>
  time !== null && time.slice(0, 10) === new Date().toISOString().slice(0, 10) ? utc(time).slice(11) : utc(time)

/** Words of the service, with times as all others here. */
const plain = (words) => words.replace(/(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z/g, '$1 $2 UTC')

function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** Roles are said, since a narrow screen lays some rows out anew and browsers forget what they were. */
const ROLES = { table: 'table', thead: 'rowgroup', tbody: 'rowgroup', tr: 'row', th: 'columnheader', td: 'cell' }

/** Rows with a head; a cell is text, an element, or `{ text, kind }`. */
function table(head, rows, words = []) {
  const made = (name, attributes, ...children) => element(name, { role: ROLES[name], ...attributes }, ...children)
  const cell = (name, value, i) => {
    const { text = value, kind } = typeof value === 'object' && value !== null && 'text' in value ? value : {}
    const classes = [kind, words.includes(i) ? 'words' : undefined].filter(Boolean).join(' ')
    const own = name === 'th' ? { scope: 'col' } : { 'data-head': head[i] }
    return made(name, { ...own, ...(classes === '' ? {} : { class: classes }) }, text)
  }
  const line = (name, values) => made('tr', {}, ...values.map((value, i) => cell(name, value, i)))
  const whole = made(
    'table',
    {},
    made('thead', {}, line('th', head)),
    made('tbody', {}, ...rows.map((row) => line('td', row))),
  )
  const label = { tabindex: '0', role: 'group', 'aria-label': `Table: ${head.join(', ')}` }
  return element('div', { class: 'more' }, element('div', { class: 'scroll', ...label }, whole))
}

const note = (text) => [element('p', { class: 'note' }, text)]
const tile = (name, value, kind = '') =>
  element('div', { class: kind }, element('dt', {}, name), element('dd', {}, value))

/** A figure that is nothing once nobody tells it. */
function tileOfNow(...told) {
  const made = tile(...told)
  made.dataset.now = 'yes'
  return made
}

/** Tells the verdict where it has changed: whoever listens to the page hears it once. */
function say(words, kind) {
  const verdict = byId('verdict')
  if (verdict.textContent !== words) verdict.textContent = words
  verdict.className = `verdict ${kind}`
}

/** What stays on the page was told earlier: it says when, and nothing in it passes for what is so now. */
function fallSilent(error) {
  const words = wordsOf(error)
  const last = state.heardAt === undefined ? undefined : `${when(state.heardAt)} UTC`
  if (document.documentElement.dataset.silent === undefined) {
    document.documentElement.dataset.silent = 'yes'
    paintAgain()
  }
  say(error.isSilence && last !== undefined ? `${words}; last heard at ${last}` : words, 'fail')
  const heard = last === undefined ? '' : `All below is as last heard at ${last}.`
  if (byId('heard').textContent !== heard) byId('heard').textContent = heard
  byId('market').disabled = true
  for (const { classList, lastChild } of document.querySelectorAll('[data-now]')) {
    classList.remove('warn')
    lastChild.textContent = 'not known'
  }
}

function comeBack() {
  state.heardAt = new Date().toISOString()
  if (document.documentElement.dataset.silent === undefined) return
  delete document.documentElement.dataset.silent
  byId('heard').textContent = ''
  byId('market').disabled = false
  // Another chain may have come with it.
  state.series = ''
}

/** The answer to whether all is well, before anything else. */
function drawAnswer(readiness, status, batches) {
  const failing = readiness.checks.filter(({ ok }) => !ok)
  const why = [...new Set(failing.map(({ says }) => says))].join('; ')
  if (readiness.ready) say('Ready: everything is proven as it comes', 'pass')
  else say(`Not ready: ${plain(why)}`, 'fail')
  const chain = status.isDevelopment ? `development chain ${status.chainId}` : `chain ${status.chainId}`
  byId('where').textContent =
    `zkrisk ${status.version} on ${chain}, registry ${status.registry}, block ${status.block ?? 'unknown'}` +
    (status.chainTime === null ? '' : `, chain time ${utc(status.chainTime)} UTC`)
  const last = batches.find(({ status: end }) => end === 'confirmed')
  const { planned, proven, signed } = status.jobs
  const { paused } = status
  byId('tiles').replaceChildren(
    tile('Last batch in force', last === undefined ? 'none yet' : `${when(last.updatedAt)} UTC`),
    tile('Observation to force', last === undefined ? '–' : duration(total(last) ?? inAll(last))),
    tileOfNow('Batches under way', String(planned + proven + signed)),
    tile('Batches confirmed', String(status.jobs.confirmed)),
    (state.verdict.kind === '' ? tileOfNow : tile)('Proof of the last', state.verdict.text ?? '–', state.verdict.kind),
    paused === null
      ? tileOfNow('Prover', 'running')
      : tileOfNow('Prover', `paused by ${paused.by} since ${when(paused.since)} UTC`, 'warn'),
    tileOfNow('Requests waiting', String(status.waitingRequests)),
    lasting(status.sending) ??
      tile('Balance', status.balance === null ? '–' : `${figure(Number(status.balance), 4)} coins`),
  )
}

/** What it is worth knowing of a balance: coins are in the checks. */
const few = (count) =>
  count < 1e6
    ? count.toLocaleString('en', { maximumSignificantDigits: 3 })
    : count.toLocaleString('en', { notation: 'compact', compactDisplay: 'long', maximumSignificantDigits: 3 })
const lasting = (sending) =>
  sending === null || sending.lastsBatches === null
    ? undefined
    : tile('Coins last for about', `${few(sending.lastsBatches)} batches`)

/** A shadow of the model that is in force is none on trial: it is what trials are compared with. */
function shadowRole({ market, volatilityModel }, markets) {
  const own = markets.find(({ market: name }) => name === market.split('~')[0])
  return own?.volatilityModel === volatilityModel ? 'control' : 'on trial'
}

const OF_SHADOWS =
  'Nobody reads a shadow. One on trial runs another model; the control runs the model in force, and trials are compared with it.'

function drawMarkets({ markets }) {
  if (markets.length === 0) return note('The registry has no market yet: the council adds one (docs/deploying.md).')
  const kinds = { 'in-force': 'pass', stale: 'fail', 'not-proven': 'warn', shadow: '' }
  const told = (each) => (each.status === 'shadow' ? `shadow, ${shadowRole(each, markets)}` : each.status)
  const rows = markets.map(({ market, status, parameters, ageSeconds, sequence, volatilityModel }) => [
    market,
    { text: told({ market, status, volatilityModel }), kind: kinds[status] },
    percent(parameters?.initialMarginPercent),
    percent(parameters?.maintenanceMarginPercent),
    percent(parameters?.volatilityPercent, 1),
    parameters === null
      ? '–'
      : `−${percent(parameters.horizonMoveDownPercent)} +${percent(parameters.horizonMoveUpPercent)}`,
    duration(ageSeconds),
    String(sequence),
    volatilityModel,
  ])
  offerMarkets(markets.filter(({ parameters }) => parameters !== null))
  const head = ['Market', 'State', 'Initial', 'Maintenance', 'Volatility', 'Predicted move', 'Age, chain time', 'Batch']
  const shadows = markets.some(({ status }) => status === 'shadow') ? note(OF_SHADOWS) : []
  return [table([...head, 'Model'], rows), ...shadows]
}

function offerMarkets(markets) {
  const choice = byId('market')
  const names = markets.map(({ market }) => market)
  const offered = markets.map((each) =>
    each.status === 'shadow' ? `${each.market} (${shadowRole(each, markets)})` : each.market,
  )
  if ([...choice.options].map(({ text }) => text).join() === offered.join()) return
  choice.replaceChildren(...names.map((name, i) => element('option', { value: name }, offered[i])))
  if (names.includes(state.market)) choice.value = state.market
  else state.market = names[0] ?? ''
}

const stageColours = ['prove', 'sign', 'send', 'land']
const total = ({ stepSeconds }) => {
  const known = stageColours.map((name) => stepSeconds[name]).filter((seconds) => seconds !== null)
  return known.length === 0 ? null : known.reduce((sum, seconds) => sum + seconds, 0)
}

function bar(stepSeconds) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 100 10')
  svg.setAttribute('class', 'bar')
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.setAttribute('aria-hidden', 'true')
  const whole = stageColours.reduce((sum, name) => sum + (stepSeconds[name] ?? 0), 0)
  let x = 0
  for (const name of stageColours) {
    const width = whole === 0 ? 0 : (100 * (stepSeconds[name] ?? 0)) / whole
    const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
    for (const [key, value] of Object.entries({ x, y: 0, width, height: 10, class: name }))
      rect.setAttribute(key, value)
    svg.append(rect)
    x += width
  }
  return svg
}

/** Steps are of this process; from when it was planned until it was confirmed the store knows of earlier ones too. */
const inAll = ({ status, createdAt, updatedAt }) =>
  status === 'confirmed' ? (Date.parse(updatedAt) - Date.parse(createdAt)) / 1000 : null

function drawBatches(batches, { startedAt }) {
  if (batches.length === 0) return note('No batch yet: the first is proven when a market has a new observation.')
  const kinds = { confirmed: 'pass', superseded: 'warn' }
  const isEarlier = ({ stages }) => Object.values(stages).every((time) => time === null)
  const rows = batches.map((batch) => [
    when(batch.createdAt),
    batch.summary + (batch.reason === null ? '' : ` (${plain(batch.reason)})`),
    { text: batch.status, kind: kinds[batch.status] },
    duration(inAll(batch)),
    ...stageColours.map((name) => duration(batch.stepSeconds[name])),
    isEarlier(batch) ? 'before the start' : bar(batch.stepSeconds),
    element('a', { href: `v1/batches/${batch.id}/bundle` }, 'bundle'),
  ])
  const since = `this process began, at ${when(startedAt)} UTC`
  const earlier = `Prove, sign, send and land are known of batches since ${since}; of those before the start only all of it is.`
  return [
    table(['At, UTC', 'Markets', 'State', 'In all', 'Prove', 'Sign', 'Send', 'Land', 'Share', 'Proof'], rows, [1]),
    ...(batches.some(isEarlier) ? note(earlier) : []),
  ]
}

function drawAlarms({ alarms }) {
  if (alarms.length === 0) return note('None is raised.')
  return [
    element(
      'ul',
      {},
      ...alarms.map(({ kind, of, says }) => element('li', { class: 'warn' }, `${of}, ${kind}: ${plain(says)}`)),
    ),
  ]
}

const drawChecks = ({ checks }) => [
  table(
    ['Check', 'State', 'Says'],
    checks.map(({ name, ok, says }) => [
      name,
      { text: ok ? 'ok' : 'failing', kind: ok ? 'pass' : 'fail' },
      plain(says),
    ]),
    [2],
  ),
]

const drawFeeds = ({ feeds }) => [
  table(
    ['Market', 'Source', 'Newest, chain time UTC', 'Age', 'Waiting'],
    feeds.map(({ market, source, newestAsOf, ageSeconds, waiting }) => [
      ...[market, source, utc(newestAsOf), duration(ageSeconds), String(waiting)],
    ]),
  ),
]

/** What waits, by kind: of this service, and of whoever proves for it. */
function drawQueue({ jobs, waitingRequests }, fleet) {
  const own = [
    ['Being proven', jobs.planned],
    ['Proven, to be sent', jobs.proven],
    ['On their way', jobs.signed],
    ['Asked for by hand', waitingRequests],
  ]
  const ofService = table(
    ['Work of this service', 'Jobs'],
    own.map(([name, count]) => [name, String(count)]),
  )
  if (fleet === null) return [ofService]
  const workers = fleet.workers.map(({ name, isLive, isService, silentSeconds, inHand }) => [
    ...[name, { text: isLive ? (isService ? 'stands by' : 'proves') : 'silent', kind: isLive ? 'pass' : 'fail' }],
    ...[duration(silentSeconds), String(inHand)],
  ])
  const asked = fleet.queue.map(({ circuit, status, jobs: count, oldestSeconds }) => [
    ...[circuit, { text: status, kind: status === 'parked' ? 'fail' : '' }, String(count), duration(oldestSeconds)],
  ])
  return [
    ofService,
    ...(workers.length === 0
      ? note('No worker lives.')
      : [table(['Worker', 'State', 'Heard of', 'In hand'], workers, [0])]),
    ...(asked.length === 0
      ? note('No proof waits for a worker.')
      : [table(['Proofs asked for', 'State', 'Jobs', 'Oldest'], asked)]),
  ]
}

async function ofQueue(status) {
  try {
    put(body('queue'), drawQueue(status, status.parts.fleet ? await ask('v1/fleet') : null))
  } catch (error) {
    if (error.isSilence) throw error
    put(body('queue'), [...drawQueue(status, null), ...note(wordsOf(error))])
  }
}

function drawModels({ scores }) {
  if (scores.length === 0) {
    return note(
      'No shadow runs: zkrisk shadows add BTC-USD garch tries a market under another model, and its score is kept here.',
    )
  }
  return [
    table(
      ['Market', 'Model', 'Shadow', 'Predictions', 'Score down', 'Score up'],
      scores.map(({ market, model, isControl, predictions, scoreDown, scoreUp }) => [
        ...[market, model, isControl ? 'control' : 'on trial', String(predictions)],
        ...[percent(scoreDown === null ? null : 100 * scoreDown), percent(scoreUp === null ? null : 100 * scoreUp)],
      ]),
    ),
    ...note(OF_SCORES),
  ]
}

const OF_SCORES =
  'A score is the mean, in per cent of the price, of the predicted move and of what the price moved beyond it, which counts many times: lower is better. The control runs the model in force, and trials are compared with it.'

function drawAccounts({ accounts: answered }) {
  if (answered.length === 0) return note('The venue has reported no account yet.')
  const accounts = answered.slice(0, SHOWN_ACCOUNTS)
  const aboves = column(accounts.map(({ aboveMaintenanceMarginQuote }) => aboveMaintenanceMarginQuote))
  const initials = column(accounts.map(({ aboveInitialMarginQuote }) => aboveInitialMarginQuote))
  return [
    table(
      ['Account', inCurrency('Above maintenance'), inCurrency('Above initial'), 'State'],
      accounts.map(({ account, aboveMaintenanceMarginQuote: above, isUnhealthy }, i) => {
        const isBelow = isUnhealthy || above?.startsWith('-') === true
        const says = isBelow ? 'may be liquidated' : above === null ? 'not proven' : 'healthy'
        const kind = isBelow ? 'fail' : above === null ? 'warn' : 'pass'
        return [short(account), aboves[i], initials[i], { text: says, kind }]
      }),
    ),
    ...(accounts.length < answered.length ? note(`The nearest ${accounts.length}; there are more.`) : []),
  ]
}

const short = (account) => `${account.slice(0, 8)}…${account.slice(-4)}`

/** What waits, what is proven now, what came of it. */
function drawPipeline({ round, roundWithoutWords, due, underWay, waitingToBeSent, pausedFor, inForce, leftOut, jobs }) {
  const waits = Object.entries(due).map(([reason, count]) => `${count} ${reason}`)
  const said = [
    round === null ? 'No round yet.' : `Newest round ${utc(round)} UTC, chain time.`,
    roundWithoutWords === null ? '' : `The words of the round of ${utc(roundWithoutWords)} UTC are missing.`,
    waits.length === 0 ? 'Every margin stands.' : `Due: ${waits.join(', ')}.`,
    underWay.length === 0 ? '' : `Being proven: ${underWay.map(({ kind }) => kind).join(', ')}.`,
    waitingToBeSent === 0 ? '' : `${waitingToBeSent} proven, to be sent.`,
    pausedFor === null ? '' : `Waiting after a failure: ${plain(pausedFor)}`,
    leftOut.length === 0 ? '' : `Left out last: ${plain(leftOut[0].says)}`,
  ]
  const aboves = column(inForce.map(({ aboveMaintenanceMarginQuote }) => aboveMaintenanceMarginQuote))
  const accounts = inForce.map(({ account, asOf, isUnhealthy, waitedSeconds, job }, i) => {
    const { stepSeconds } = jobs.find(({ id }) => id === job) ?? { stepSeconds: {} }
    const standing = { text: isUnhealthy ? 'may be liquidated' : 'healthy', kind: isUnhealthy ? 'fail' : 'pass' }
    const steps = stageColours.map((name) => duration(stepSeconds[name]))
    return [short(account), utc(asOf), aboves[i], standing, duration(waitedSeconds), ...steps, bar(stepSeconds)]
  })
  const dropped = jobs.filter(({ status }) => status === 'superseded')
  const named = ['Account', 'Round, chain time UTC', inCurrency('Above maintenance'), 'State', 'Waited']
  const head = [...named, 'Prove', 'Sign', 'Send', 'Land', 'Share']
  return [
    ...note(said.filter((each) => each !== '').join(' ')),
    ...(accounts.length === 0
      ? note('Nothing was put in force of an account since the start.')
      : [table(head, accounts)]),
    ...(dropped.length === 0
      ? []
      : [
          table(
            ['Dropped at, UTC', 'Work', 'Why'],
            dropped.map(({ updatedAt, summary, reason }) => [when(updatedAt), summary, plain(reason ?? '–')]),
            [1, 2],
          ),
        ]),
  ]
}

function drawInterest(interest) {
  state.currency = interest.quoteCurrency
  if (interest.status === 'not-counted') {
    const { underWay } = interest
    return note(
      underWay === null
        ? 'Nothing is counted yet: zkrisk margin --count opens a count of a round.'
        : `A count is under way: ${underWay.counted} of ${underWay.accounts} accounts.`,
    )
  }
  const rows = [
    ['As of, chain time UTC', utc(interest.asOf)],
    ['Accounts', String(interest.accounts)],
    ['Below maintenance', String(interest.accountsBelowMaintenance)],
    ['Expected defaults', figure(interest.expectedDefaults, 4)],
    [inCurrency('Expected shortfall'), figure(interest.expectedShortfallQuote)],
    ['Net delta', figure(interest.netDelta, 4)],
    ['Delta that would hedge it', figure(interest.netDelta === null ? null : 0 - interest.netDelta, 4)],
    ['Net gamma', figure(interest.netGamma, 6)],
    [inCurrency('Net vega a point'), figure(interest.netVegaPerPointQuote)],
  ]
  return [table(['Figure', `Proven, ${interest.status}`], rows)]
}

const LIQUIDATION_WORDS = { unhealthy: 'may be liquidated', cleared: 'cleared', liquidated: 'liquidated' }

function drawLiquidations({ liquidations, says }) {
  const without = says === null ? [] : note(says)
  if (liquidations.length === 0) return [...note('None yet.'), ...without]
  const cash = column(liquidations.map(({ taken }) => taken?.cashQuote))
  const badDebt = column(liquidations.map(({ taken }) => taken?.badDebtQuote))
  const rows = liquidations.map(({ kind, account, block, taken }, i) => [
    ...[String(block), short(account), LIQUIDATION_WORDS[kind]],
    taken === null ? '' : percent(taken.fractionPercent),
    ...(taken === null ? ['', ''] : [cash[i], badDebt[i]]),
  ])
  const head = ['Block', 'Account', 'What', 'Taken', inCurrency('Cash with it'), inCurrency('Bad debt')]
  return [table(head, rows), ...without]
}

function drawHedge({ says, netDelta, wantedDelta, positionDelta, trades }) {
  if (says !== null) return note(says)
  const rows = [
    ['Net delta, proven', figure(netDelta, 4)],
    ['Delta that would hedge it', figure(wantedDelta, 4)],
    ['Held by the agent', figure(positionDelta, 4)],
  ]
  const bought = column(
    trades.map((trade) => trade.bought),
    4,
  )
  const cash = column(trades.map(({ cashQuote }) => cashQuote))
  const gaps = column(
    trades.map(({ gapDelta }) => gapDelta),
    4,
  )
  const made = trades.map(({ block }, i) => [String(block), bought[i], cash[i], gaps[i]])
  const traded =
    made.length === 0
      ? note('It has not traded yet.')
      : [table(['Block', 'Bought', inCurrency('Cash'), 'Wanted'], made)]
  return [table(['Figure', 'Now'], rows), ...traded]
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
const axis = (more) => ({
  stroke: colour('muted'),
  grid: { stroke: colour('grid'), width: 1 },
  ticks: { stroke: colour('major') },
  ...more,
})

const two = (number) => String(number).padStart(2, '0')

/** Hours by day, and the date where a day begins. */
const timeTicks = (_, splits) =>
  splits.map((seconds, i) => {
    const at = new Date(seconds * 1e3)
    const day = `${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`
    const isNewDay = i === 0 || new Date(splits[i - 1] * 1e3).getUTCDate() !== at.getUTCDate()
    const hour = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`
    return isNewDay ? `${hour}\n${day}` : hour
  })

const tellNewest = (made) => made.setLegend({ idx: made.data[0].length - 1 }, false)

function plot(place, title, series, columns, bands = []) {
  const hasVolatility = series.some(({ scale }) => scale === 'volatility')
  const own = hasVolatility ? [axis({ scale: 'volatility', side: 1, size: 56, grid: { show: false } })] : []
  const axes = [axis({ values: timeTicks }), axis({ size: 64 }), ...own]
  const options = {
    ...{
      title,
      width: Math.max(280, place.clientWidth),
      height: 210,
      series: [{ label: 'Chain time, UTC', value: '{YYYY}-{MM}-{DD} {HH}:{mm}' }, ...series],
      axes,
    },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), 'Etc/UTC'),
    cursor: { sync: { key: 'zkrisk' } },
    bands,
    // Until somebody points at another time, the newest figures are told.
    hooks: { ready: [tellNewest], setCursor: [(made) => made.cursor.idx === null && tellNewest(made)] },
    ...(hasVolatility ? {} : { padding: [null, 56, null, null] }),
  }
  return new uPlot(options, columns, place)
}

/** What the charts show, for those who do not see them. */
function sayChart(name, points) {
  const newest = points.at(-1)
  const breaches = points.filter(({ breach }) => breach !== null).length
  byId('said').textContent =
    newest === undefined
      ? `${name}: nothing proven yet.`
      : `${name}, ${points.length} batches: initial margin ${percent(100 * newest.initialMargin)}, maintenance margin ${percent(100 * newest.maintenanceMargin)}, volatility ${percent(100 * newest.volatility, 1)}, ${breaches === 1 ? '1 prediction' : `${breaches} predictions`} breached.`
  byId('margins').setAttribute(
    'aria-label',
    `Volatility and margins of ${name} through time; the table below has the figures`,
  )
  byId('prices').setAttribute(
    'aria-label',
    `Price of ${name} within its predicted band; the table below has the figures`,
  )
}

async function drawChart(isForced = false) {
  if (state.market === '') return
  const name = state.market
  const { points } = await ask(`v1/markets/${encodeURIComponent(name)}/series`)
  const series = `${name} ${points.at(-1)?.sequence} ${points.length}`
  if (name !== state.market || (series === state.series && !isForced)) return
  state.series = series
  paintChart(name, points)
}

/** In the colours of now, from what was told: while nobody answers, too. */
function paintAgain() {
  if (state.painted !== undefined) paintChart(state.painted.name, state.painted.points)
}

function paintChart(name, points) {
  state.painted = { name, points }
  sayChart(name, points)
  for (const old of state.plots) old.destroy()
  state.plots = []
  put(document.querySelector('#chart .table'), [chartTable(points)])
  const sequence = points.at(-1)?.sequence ?? 0
  document.querySelector('#chart summary').textContent =
    sequence > SHOWN_ROWS
      ? `As a table, newest ${Math.min(SHOWN_ROWS, points.length)} of ${sequence} batches`
      : 'As a table'
  if (points.length < 2) return
  const times = points.map(({ asOf }) => Date.parse(asOf) / 1000)
  const through = (key, unit = 1) => points.map((point) => unit * point[key])
  const line = (label, kind, more = {}) => ({
    ...{ label, stroke: colour(kind), width: 1.8, points: { show: false } },
    value: (_, value) => (value === null ? '–' : figure(value)),
    ...more,
  })
  const breaches = points.map(({ breach, price }) => (breach === null ? null : price))
  const none = { width: 1, dash: [5, 4] }
  const dot = { show: true, size: 9, fill: colour('down') }
  state.plots = [
    plot(
      byId('margins'),
      'Volatility and margins, per cent',
      [
        line('Volatility (right)', 'volatility', { scale: 'volatility' }),
        line('Initial', 'initial'),
        line('Maintenance', 'maintenance'),
      ],
      [times, through('volatility', 100), through('initialMargin', 100), through('maintenanceMargin', 100)],
    ),
    plot(
      byId('prices'),
      'Price, predicted band, breaches',
      [
        ...[line('Band to', 'band', none), line('Band from', 'band', none), line('Price', 'price')],
        line('Breached', 'down', { width: 0, points: dot }),
      ],
      [times, through('bandHigh'), through('bandLow'), through('price'), breaches],
      [{ series: [1, 2], fill: `${colour('band')}22` }],
    ),
  ]
}

function chartTable(points) {
  const shown = points.slice(-SHOWN_ROWS).toReversed()
  const [prices, lows, highs] = ['price', 'bandLow', 'bandHigh'].map((key) => column(shown.map((point) => point[key])))
  return table(
    ['As of, chain time UTC', 'Price', 'Band', 'Volatility', 'Initial', 'Maintenance', 'Breach'],
    shown.map(({ asOf, volatility, initialMargin, maintenanceMargin, breach }, i) => [
      ...[utc(asOf), prices[i], `${lows[i]} to ${highs[i]}`, percent(100 * volatility, 1)],
      ...[percent(100 * initialMargin), percent(100 * maintenanceMargin), breach ?? ''],
    ]),
  )
}

/** The newest proof, recomputed and verified by the service; once a batch. */
async function judge(batches) {
  const last = batches.find(({ status }) => status === 'confirmed')
  if (last === undefined || state.verdict.of === last.id) return
  state.verdict = { of: last.id, text: 'checking …', kind: '' }
  const { valid, claims, failure } = await ask(`v1/batches/${last.id}/verdict`).catch((error) => {
    state.verdict = { text: 'not known', kind: 'warn' }
    if (error.isSilence) throw error
    return {}
  })
  if (claims === undefined) return
  const text = valid ? `verified, ${claims.length} claims hold` : `refused: ${failure?.claim ?? 'not pinned'}`
  state.verdict = { of: last.id, text, kind: valid ? 'pass' : 'fail' }
}

async function refresh() {
  try {
    const [readiness, status, { batches }] = await Promise.all([
      ask('readyz', SILENT_MS),
      ask('v1/status'),
      ask(`v1/batches?limit=${SHOWN_BATCHES}`),
    ])
    comeBack()
    drawAnswer(readiness, status, batches)
    put(body('batches'), drawBatches(batches, status))
    put(body('checks'), drawChecks(readiness))
    document.documentElement.dataset.drawn = 'yes'
    // First what others take a name from: markets for the chart, the currency for what is in it.
    await Promise.all([
      part('markets', 'v1/markets', drawMarkets),
      ofMargins(status, 'interest', 'v1/open-interest', drawInterest),
    ])
    await Promise.all([
      drawChart().catch(saidIn('said')),
      part('alarms', 'v1/alarms', drawAlarms),
      part('feeds', 'v1/feeds', drawFeeds),
      part('models', 'v1/scores', drawModels),
      ofMargins(status, 'accounts', `v1/accounts?limit=${SHOWN_ACCOUNTS + 1}`, drawAccounts),
      ofAccounts(status),
      ofQueue(status),
      ofMargins(status, 'liquidations', `v1/liquidations?limit=${SHOWN_ACCOUNTS}`, drawLiquidations),
      ofMargins(status, 'hedge', `v1/hedge?limit=${SHOWN_ACCOUNTS}`, drawHedge, hasHedge(status)),
      judge(batches),
    ])
    drawAnswer(readiness, status, batches)
    hintAll()
  } catch (error) {
    fallSilent(error)
  }
}

let under = Promise.resolve()
let isDue = false
/** One refresh at a time; those asked for meanwhile are one more. */
function refreshSoon() {
  if (isDue) return
  isDue = true
  under = under.then(() => {
    isDue = false
    return refresh()
  })
}

/** Follows the service's events; each is a reason to look again. */
async function follow() {
  try {
    const response = await fetch('v1/events', { headers: headers() })
    const reader = response.ok ? response.body.pipeThrough(new TextDecoderStream()).getReader() : undefined
    for (let read = await reader?.read(); read !== undefined && !read.done; read = await reader.read()) {
      if (read.value.includes('event: ')) setTimeout(refreshSoon, AFTER_EVENT_MS)
    }
  } catch {
    // The service went away: what is asked now says so.
    refreshSoon()
  }
  setTimeout(follow, COME_BACK_MS)
}

byId('market').addEventListener('change', ({ target }) => {
  state.market = target.value
  drawChart(true).catch(saidIn('said')).catch(refreshSoon)
})
document.querySelector('#access form').addEventListener('submit', (event) => {
  event.preventDefault()
  state.key = byId('key').value
  sessionStorage.setItem('zkrisk-key', state.key)
  byId('access').hidden = true
  refreshSoon()
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paintAgain)
const isScroll = ({ classList }) => classList?.contains('scroll') || classList?.contains('links')
document.addEventListener('scroll', ({ target }) => isScroll(target) && hint(target), true)
document.addEventListener('toggle', hintAll, true)
addEventListener('resize', () => {
  hintAll()
  for (const each of state.plots)
    each.setSize({ width: Math.max(280, each.root.parentElement.clientWidth), height: 210 })
})
refreshSoon()
setInterval(refreshSoon, REFRESH_MS)
follow()
