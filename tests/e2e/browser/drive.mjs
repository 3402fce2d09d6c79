// One page in a real Chromium, driven by lines of JSON on standard input: {op, …} in, {ok, value | error} out, in order.
//   {op: "goto", url}   {op: "evaluate", expression}   {op: "click", selector, position}   {op: "fill", selector, text}
//   {op: "look", width, height, scheme}   {op: "before", script}   {op: "screenshot", path, selector}   {op: "errors"}
import {createInterface} from 'node:readline';
import {chromium} from 'playwright-core';

const [profile, executablePath] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: {width: 1280, height: 900},
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});
const page = context.pages()[0] ?? await context.newPage();
// What nobody caught, and whatever the browser complains of in the console: a breach of the content policy, too. A request that
// fails while the server is away is news, not an error.
const errors = [];
page.on('pageerror', (error) => errors.push(String(error)));
page.on('crash', () => errors.push('the page crashed'));
page.on('console', (message) => {
  const complaint = message.type() === 'error' || message.type() === 'warning';
  if (complaint && !message.text().startsWith('Failed to load resource')) errors.push(message.text());
});

const operations = {
  goto: ({url}) => page.goto(url, {waitUntil: 'domcontentloaded'}).then(() => null),
  evaluate: ({expression}) => page.evaluate(expression),
  click: ({selector, position}) => page.click(selector, {position, timeout: 10_000}),
  fill: ({selector, text}) => page.fill(selector, text, {timeout: 10_000}),
  look: ({width, height, scheme}) => page.setViewportSize({width, height}).then(() => page.emulateMedia({colorScheme: scheme})),
  before: ({script}) => page.addInitScript(script),
  screenshot: ({path, selector}) => (selector ? page.locator(selector) : page).screenshot({path}).then(() => null),
  errors: () => errors,
};

for await (const line of createInterface({input: process.stdin})) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = {ok: true, value: (await operations[request.op](request)) ?? null};
  } catch (error) {
    answer = {ok: false, error: String(error)};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
await context.close();
