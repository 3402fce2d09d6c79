// The page: which streams there are, how they are, and the one that is shown.
import {
  addSource, currentLink, health, listStreams, serverNow, setKey, takeKey, version, whenKeyWanted, whenLinkRefused,
} from './api.js';
import {bytesText, clockText, rateText} from './format.js';
import {Player} from './player.js';
import {drawLinkEnded, drawSharedUntil, linkEndText, offerSharing, showWhatLinksAllow} from './share.js';
import {Timeline} from './timeline.js';

const kStreamsEveryMs = 2000;
const kStreamsWhileRestingMs = 1000;  // a picture is wanted
const kRangesEveryMs = 15_000;
const kRangesWhileEmptyMs = 3000;  // the first fragments are to be seen

const byId = (id) => document.getElementById(id);
const video = byId('video');

const player = new Player(video, {
  notice: (words) => {
    byId('notice').textContent = words;
    byId('notice').hidden = words === '';
  },
  change: drawBadge,
  // The server's reason is in its answer to the next question.
  refused: () => currentLink() && refreshStreams(),
  onAir: (name) => streams.find((stream) => stream.name === name)?.state === 'recording',
});
const timeline = new Timeline((ms) => player.playFrom(selected, ms));

let streams = [];
let selected = null;
let linkEnded = false;  // nothing is asked any more

// --- which stream: #stream=<name> in the address, so that links and the back button work ---

function wanted() {
  const exists = (name) => streams.some((stream) => stream.name === name);
  const name = new URLSearchParams(location.hash.slice(1)).get('stream');
  if (exists(name)) return name;
  // Who has not chosen stays with what is shown, whatever comes to stand before it in the list.
  return exists(selected) ? selected : streams[0]?.name ?? null;
}

function select() {
  const name = wanted();
  if (name === selected) return;
  selected = name;
  byId('stage').hidden = name === null;
  if (name === null) return player.stop();
  player.playLive(name);
  timeline.show(name, Date.parse(streams.find((stream) => stream.name === name).oldest)).catch(() => {});
}

// --- drawing ---

function streamButton(stream) {
  const button = document.createElement('button');
  button.dataset.stream = stream.name;
  button.onclick = () => { location.hash = new URLSearchParams({stream: stream.name}); };
  for (const part of ['dot', 'name', 'rate', 'why']) {
    const span = document.createElement('span');
    span.className = part;
    button.append(span);
  }
  const line = document.createElement('li');
  line.append(button);
  return line;
}

const stateText = (stream) => (stream.reason ? `${stream.state}: ${stream.reason}` : stream.state);

// Lines are kept while their streams are, so that focus and clicks survive a refresh.
function drawStreams() {
  const list = byId('streams');
  const names = streams.map((stream) => stream.name);
  const shown = [...list.querySelectorAll('button')].map((button) => button.dataset.stream);
  if (names.join() !== shown.join()) list.replaceChildren(...streams.map(streamButton));
  for (const stream of streams) {
    const button = list.querySelector(`button[data-stream="${CSS.escape(stream.name)}"]`);
    button.setAttribute('aria-current', String(stream.name === selected));
    button.querySelector('.dot').className = `dot ${stream.state}`;
    button.querySelector('.name').textContent = stream.name;
    button.querySelector('.rate').textContent = stream.publication?.bits_per_second ? rateText(stream.publication.bits_per_second) : '';
    button.querySelector('.why').textContent = stateText(stream);
  }
  byId('no-streams').hidden = streams.length > 0;
}

function drawCaption() {
  const stream = streams.find((candidate) => candidate.name === selected);
  if (!stream) return;
  const tracks = (stream.publication?.tracks ?? []).map((track) => track.description).join(', ');
  byId('title').textContent = stream.name;
  byId('state').textContent = tracks ? `${stateText(stream)} · ${tracks}` : stateText(stream);
  byId('rate').textContent = rateText(stream.publication?.bits_per_second);
  byId('stored').textContent = bytesText(stream.bytes);
  drawSharedUntil(stream);
  document.title = `${stream.name} · Penstock`;
}

// LIVE is a promise: only while somebody publishes and the picture moves.
function drawBadge() {
  const stream = streams.find((candidate) => candidate.name === selected);
  const live = player.live && player.moving && stream?.state === 'recording';
  const badge = byId('badge');
  badge.hidden = player.live && !live;
  badge.className = live ? 'badge live' : 'badge';
  badge.textContent = live ? 'LIVE' : 'STORED';
  byId('live').hidden = player.live;
  byId('screen').classList.toggle('resting', player.resting);
  video.controls = !player.resting;
}

function drawClock() {
  const at = player.shownAt();
  const latency = player.latencyMs();
  byId('clock').textContent = at === null ? '–' : clockText(at);
  byId('latency').textContent = latency === null ? '–' : `${Math.max(0, latency / 1000).toFixed(1)} s`;
  timeline.showCursor(at ?? (player.live ? serverNow() : null));
  drawBadge();
}

function drawHealth(state) {
  const element = byId('health');
  element.className = state.status === 'ok' ? 'health' : 'health bad';
  element.textContent = state.status === 'ok' ? '' : state.reason;
}

// --- what is asked again and again ---

async function refreshStreams() {
  if (linkEnded) return;
  try {
    streams = (await listStreams()).streams;
    drawHealth(await health());
    select();
    drawStreams();
    drawCaption();
  } catch (error) {
    if (error.status === undefined) drawHealth({status: 'away', reason: 'no connection to the server'});
  }
}

// One after the other, never two at once, and not in a tab that nobody sees.
function every(ms, work) {
  const turn = async () => {
    if (!document.hidden) await work().catch(() => {});
    setTimeout(turn, ms());
  };
  turn();
}

// --- links ---

whenLinkRefused((answer) => {
  linkEnded = true;
  streams = [];
  timeline.stream = null;
  player.end(linkEndText(answer));
  drawLinkEnded();
});
offerSharing(() => selected);

// --- dialogs ---

whenKeyWanted((wasWrong) => {
  const dialog = byId('key-dialog');
  if (dialog.open) return;
  if (wasWrong) byId('key-words').textContent = 'The server does not know this key.';
  dialog.showModal();
});
byId('key-form').addEventListener('submit', () => {
  setKey(byId('key-input').value.trim());
  byId('key-input').value = '';
  begin();
});

// Only a camera that speaks TLS has a certificate.
function askForFingerprint() {
  byId('camera-fingerprint-label').hidden = !byId('camera-url').value.startsWith('rtsps://');
}

byId('camera-url').addEventListener('input', askForFingerprint);
byId('add-camera').onclick = () => {
  byId('camera-refusal').textContent = '';
  byId('camera-dialog').showModal();
};
byId('camera-cancel').onclick = () => byId('camera-dialog').close();
byId('camera-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const name = byId('camera-name').value;
  try {
    await addSource(name, byId('camera-url').value, byId('camera-fingerprint-label').hidden ? '' : byId('camera-fingerprint').value.trim());
  } catch (error) {
    byId('camera-refusal').textContent = error.message;
    return;
  }
  byId('camera-dialog').close();
  byId('camera-form').reset();
  askForFingerprint();
  location.hash = new URLSearchParams({stream: name});
  refreshStreams();
});

async function begin() {
  showWhatLinksAllow();
  const about = currentLink() ? null : await version().catch(() => null);
  byId('add-camera').hidden = !about?.admin;
  await refreshStreams();
}

addEventListener('hashchange', () => {
  const before = currentLink()?.token;
  takeKey();
  if (currentLink()?.token !== before) return location.reload();
  select();
  drawStreams();
  drawCaption();
});
byId('live').onclick = () => player.playLive(selected);

takeKey();
begin();
every(() => (player.resting ? kStreamsWhileRestingMs : kStreamsEveryMs), refreshStreams);
every(() => (timeline.empty ? kRangesWhileEmptyMs : kRangesEveryMs), () => timeline.refresh());
setInterval(drawClock, 200);

// For a look from the console, and for tests that watch the page from outside.
window.penstock = {player, timeline};
