// The server's API with the visitor's key, and the server's clock.

const kKeyItem = 'penstock-key';
const kLinkItem = 'penstock-link';

let key = '';
let link = null;  // {token, stream}: this tab shows one stream that somebody has shared, for as long as they said
let clockOffsetMs = 0;  // server - browser
let onKeyWanted = () => {};
let onLinkRefused = () => {};

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// A key may come in the address as #key=…, somebody's link as #token=…&stream=…; browsers never send these anywhere. Both are taken out of
// sight. A key is kept for the next visit, a link for this tab only: it does not take the place of a key.
export function takeKey() {
  const params = new URLSearchParams(location.hash.slice(1));
  if (params.has('token')) {
    // Of a link that was not copied whole the server says what is wrong.
    sessionStorage.setItem(kLinkItem, JSON.stringify({token: params.get('token'), stream: params.get('stream') || '-'}));
  } else if (params.has('key')) {
    sessionStorage.removeItem(kLinkItem);
    setKey(params.get('key'));
  }
  link = JSON.parse(sessionStorage.getItem(kLinkItem));
  key = link?.token ?? localStorage.getItem(kKeyItem) ?? '';
  if (!params.has('token') && !params.has('key')) return;
  params.delete('token');
  params.delete('key');
  history.replaceState(null, '', `${location.pathname}#${params}`);
}

export function setKey(value) {
  key = value;
  if (value) localStorage.setItem(kKeyItem, value);
  else localStorage.removeItem(kKeyItem);
}

export const currentKey = () => key;
export const currentLink = () => link;
export const whenLinkRefused = (callback) => { onLinkRefused = callback; };
export const whenKeyWanted = (callback) => { onKeyWanted = callback; };
export const serverNow = () => Date.now() + clockOffsetMs;

export async function call(method, path, body) {
  const headers = {};
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const asked = Date.now();
  const response = await fetch(path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store', credentials: 'omit',
    signal: AbortSignal.timeout(15_000),
  });
  const answer = await response.json().catch(() => ({}));
  if (link && (response.status === 401 || response.status === 403)) onLinkRefused(answer);
  else if (response.status === 401) onKeyWanted(key !== '');
  if (!response.ok) throw new Refusal(response.status, answer.message ?? `status ${response.status}`);
  if (answer.now) clockOffsetMs = Date.parse(answer.now) - (asked + Date.now()) / 2;
  return answer;
}

export const listStreams = async () =>
  link ? {streams: [await call('GET', `/api/v1/streams/${encodeURIComponent(link.stream)}`)]} : call('GET', '/api/v1/streams');
// A link with which anybody may watch the stream; {page, expires}.
export const makeLink = (stream, seconds) => call('POST', `/api/v1/streams/${stream}/tokens`, {seconds});
export const version = () => call('GET', '/api/v1/version');
export const health = async () => (await fetch('/healthz', {cache: 'no-store'})).json();
// `fingerprint` may be empty.
export const addSource = (name, url, fingerprint) =>
  call('POST', '/api/v1/sources', {name, url, ...(fingerprint && {tls_fingerprint: fingerprint})});

// What is stored between the two times, and what is missing with the reason, over as many pages as it takes.
export async function listCoverage(stream, startMs, endMs) {
  const ranges = [];
  for (let after = ''; ;) {
    const page = await call('GET', `/api/v1/streams/${stream}/coverage?start=${startMs}&end=${endMs}${after}`);
    for (const range of page.ranges) {
      const next = {...range, start: Date.parse(range.start), end: Date.parse(range.end)};
      const last = ranges.at(-1);
      // The pages of an answer are cut where nothing ends.
      if (last && next.start === last.end && next.stored === last.stored && next.reason === last.reason) {
        last.end = next.end;
        last.bytes += next.bytes;
        last.open = next.open;
      } else {
        ranges.push(next);
      }
    }
    if (!page.next) return ranges;
    after = `&after=${page.next}`;
  }
}

// The first span that is stored from that time on, clipped to it; null if there is none.
export async function nextRange(stream, fromMs) {
  for (let start = fromMs; ;) {
    const page = await call('GET', `/api/v1/streams/${stream}/ranges?start=${Math.round(start)}`);
    const found = page.ranges.find((range) => Date.parse(range.end) > fromMs);
    if (found) return {start: Math.max(Date.parse(found.start), fromMs), end: Date.parse(found.end)};
    if (!page.next || Date.parse(page.next) <= start) return null;
    start = Date.parse(page.next);
  }
}

export const playlistUrl = (stream, query = '') => `/hls/${stream}/index.m3u8${query}`;
// For a browser's own player, which keeps neither header nor query when it follows a playlist.
export const nativePlaylistUrl = (stream, query = '') =>
  key ? `/hls/t/${encodeURIComponent(key)}/${stream}/index.m3u8${query}` : playlistUrl(stream, query);
export function exportUrl(stream, startMs, endMs) {
  const query = new URLSearchParams({start: startMs, end: endMs, format: 'mp4'});
  if (key) query.set('key', key);
  return `/api/v1/streams/${stream}/export?${query}`;
}
