// The page of `inspect` in a real browser: it shows the numbers, asks for nothing, and nothing that a table says becomes markup.
// Needs Chromium: `chromium` on the PATH, or ALLUVIUM_CHROMIUM. ALLUVIUM_SCREENSHOTS=FOLDER keeps pictures for people to look at.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { alluvium, jsonLines } from '../cli/cli-process.js'
import { emptyTable, hostileTable, largeTable, streamTable, TRAP } from './inspect-tables.js'

const executable = process.env.ALLUVIUM_CHROMIUM ?? onPath()
if (executable === undefined) console.warn('skipped: no chromium on the PATH (set ALLUVIUM_CHROMIUM)')

function onPath(): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

interface Seen {
  readonly page: Page
  readonly report: Record<string, unknown>
  /** What the browser complained about, and asked for. */
  readonly complaints: string[]
  readonly requests: string[]
}

describe.skipIf(executable === undefined)('the page of inspect', () => {
  let folder: string
  let browser: Browser
  const contexts: BrowserContext[] = []
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'alluvium-inspect-'))
    browser = await chromium.launch({ executablePath: executable as string, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    for (const context of contexts) await context.close()
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(name: string, table: string, options: { readonly dark?: boolean; readonly width?: number } = {}): Promise<Seen> {
    const file = join(folder, `${name}.html`)
    const ran = await alluvium(['inspect', table, '--html', file, '--json'])
    expect([ran.status, ran.stderr]).toEqual([0, ''])
    const context = await browser.newContext({
      colorScheme: options.dark === true ? 'dark' : 'light',
      viewport: { width: options.width ?? 1120, height: 900 },
    })
    contexts.push(context)
    const page = await context.newPage()
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('dialog', (dialog) => void dialog.dismiss())
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(pathToFileURL(file).href)
    if (process.env.ALLUVIUM_SCREENSHOTS !== undefined)
      await page.screenshot({ path: join(process.env.ALLUVIUM_SCREENSHOTS, `${name}.png`), fullPage: true })
    return { page, report: jsonLines(ran.stdout)[0] as Record<string, unknown>, complaints, requests }
  }

  // Texts of the timeline that lie over each other, as the browser has set them.
  const overlapping = (page: Page): Promise<unknown> =>
    page.evaluate(`(() => {
      const boxes = [...document.querySelectorAll('svg[aria-labelledby^="timeline-"] text')].map((text) => [text.textContent, text.getBoundingClientRect()])
      return boxes.flatMap(([a, one], at) => boxes.slice(at + 1).flatMap(([b, two]) =>
        one.left < two.right && two.left < one.right && one.top < two.bottom && two.top < one.bottom ? [[a, b]] : []))
    })()`)

  // What is seen, closed details and all.
  const text = async (page: Page, selector = 'body'): Promise<string> => (await page.locator(selector).textContent()) ?? ''

  test('of a stream shows its numbers, and asks for nothing', async () => {
    const { page, complaints, requests } = await open('stream', await streamTable(join(folder, 'clicks')))
    expect(complaints).toEqual([])
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(join(folder, 'stream.html')).href])
    expect(await page.title()).toBe('clicks: Alluvium')
    // 40 commits of one file each, of which the first 25 were put together.
    expect(await text(page, '.tiles')).toMatch(/Live files16/)
    expect(await text(page, '#debt')).toContain('16 files')
    expect(await text(page, '#reclaim')).toMatch(/25 files/)
    expect(await text(page, '#history')).toContain('Versions 0 to 42')
    expect(await page.locator('#history svg').innerHTML()).toContain('STREAMING UPDATE')
    expect(await overlapping(page)).toEqual([])
    expect(await text(page, '#changes')).toContain('property owner set to team clicks')
    expect(await text(page, '#positions')).toContain('7999')
    expect(await text(page, '#table')).toContain('delta.checkpointInterval')
  })

  test('of a large partitioned table tells of a few partitions, and how many there are', async () => {
    const { page, complaints, report } = await open('large', largeTable(join(folder, 'orders')))
    expect(complaints).toEqual([])
    const live = 61 * 300 - 5 * 6 * 6
    expect((report.files as { count: number }).count).toBe(live)
    expect(await text(page, '.tiles')).toContain(live.toLocaleString('en'))
    expect(await text(page, '#files')).toMatch(/The 20 of 4\d\d partitions with the most small files/)
    expect(await page.locator('#files table.wide tbody tr').count()).toBe(20)
    expect(await text(page, '#changes')).toContain('column note string added')
    expect(await overlapping(page)).toEqual([])
    expect(await text(page, '#reclaim')).toContain('180 files')
  })

  test('of an empty table is a page all the same', async () => {
    const { page, complaints } = await open('empty', await emptyTable(join(folder, 'empty')))
    expect(complaints).toEqual([])
    expect(await text(page, '#files')).toContain('no live files')
    expect(await text(page)).not.toMatch(/NaN|undefined|Infinity|\[object/)
  })

  test('of a hostile table shows what it says as text, and does none of it', async () => {
    const { page, complaints, requests } = await open('hostile', hostileTable(join(folder, 'hostile')))
    expect(complaints).toEqual([])
    expect(requests.filter((url) => !url.startsWith('data:')).length).toBe(1)
    await page.mouse.move(300, 300)
    for (const element of await page.locator('summary').all()) await element.click()
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    expect(await page.locator('script, img, iframe, object, embed, form, base').count()).toBe(0)
    const handlers = `[...document.querySelectorAll('*')].flatMap((each) => [...each.attributes]).filter(({ name, value }) => name.startsWith('on') || name === 'style' || /javascript:/i.test(value) && name === 'href').length`
    expect(await page.evaluate(handlers)).toBe(0)
    const shown = await text(page)
    expect(shown).toContain(TRAP)
    expect(shown).toContain('" onmouseover="window.hacked=3"')
    expect(shown).toContain('9007199254740993')
    // What turns text around is shown as what it is.
    expect(shown).not.toContain('\u202E')
    expect(shown).toContain('file\\u202egnp.exe\\u0007')
  })

  test('lets no script run even where one is put into it', async () => {
    const { page } = await open('policy', await emptyTable(join(folder, 'policy')))
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<img src="data:image/png;base64,x" onerror="window.hacked=1">')`)
    await page.waitForTimeout(200)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
  })

  test('can be read without seeing it, and gone through by the keyboard', async () => {
    const { page } = await open('access', largeTable(join(folder, 'access'), { days: 20, filesPerDay: 30 }))
    expect(await page.evaluate('document.documentElement.lang')).toBe('en')
    for (const chart of await page.locator('svg[role=img]').all()) {
      const ids = await chart.getAttribute('aria-labelledby')
      const named = ids === null ? await chart.getAttribute('aria-label') : await page.locator(`#${ids.split(' ')[0]}`).textContent()
      expect(named?.trim()).not.toBe('')
    }
    expect(await page.locator('svg.chart').count()).toBe(await page.locator('figure details table').count())
    const ids = (await page.evaluate(`[...document.querySelectorAll('[id]')].map(({ id }) => id)`)) as string[]
    expect(new Set(ids).size).toBe(ids.length)
    for (const link of await page.locator('nav a').all()) expect(ids).toContain((await link.getAttribute('href'))?.slice(1))
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content')
    await page.locator('summary').first().focus()
    await page.keyboard.press('Enter')
    expect(await page.locator('figure details').first().getAttribute('open')).not.toBeNull()
    const levels = (await page.evaluate(`[...document.querySelectorAll('h1,h2,h3')].map(({ tagName }) => tagName)`)) as string[]
    expect(levels.filter((level) => level === 'H1').length).toBe(1)
  })

  test('is legible in the dark and on a narrow screen', async () => {
    const table = largeTable(join(folder, 'dark'), { days: 30, filesPerDay: 60 })
    const { page } = await open('dark', table, { dark: true })
    const colours = (await page.evaluate('[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]')) as [
      string,
      string,
    ]
    expect(contrast(...colours)).toBeGreaterThan(7)
    const soft = (await page.evaluate(`getComputedStyle(document.querySelector('.soft')).color`)) as string
    expect(contrast(soft, colours[1])).toBeGreaterThan(4.5)
    const narrow = await open('narrow', table, { width: 390 })
    expect(await narrow.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
  })
})

// As WCAG 2 has it.
function contrast(a: string, b: string): number {
  const light = (colour: string): number => {
    const [red, green, blue] = (colour.match(/\d+/g) ?? []).map((part) => {
      const value = Number(part) / 255
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
  }
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x)
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05)
}
