// Amazon's SDK for JavaScript, asked for whatever it is told: call.mjs ENDPOINT. First it prints {service: [operations]} of everything that it
// has. Then a line of standard input, {"service", "operation", "input"}, is a call, and the line that is printed its {"answer"} or its
// {"error", "status"}. Times are seconds since 1970. A payload is read as a stream: {"base64", "spread": milliseconds from its first bytes to
// its end}.
import {createInterface} from 'node:readline';
import * as control from '@aws-sdk/client-kinesis-video';
import * as archived from '@aws-sdk/client-kinesis-video-archived-media';
import * as media from '@aws-sdk/client-kinesis-video-media';

const options = {region: 'eu-west-1', maxAttempts: 1, endpoint: process.argv[2]};
const services = {
  'kinesisvideo': [control, new control.KinesisVideoClient(options)],
  'kinesis-video-media': [media, new media.KinesisVideoMediaClient(options)],
  'kinesis-video-archived-media': [archived, new archived.KinesisVideoArchivedMediaClient(options)],
};
const operations = (module) => Object.keys(module).filter((name) => /^[A-Z]\w+Command$/.test(name)).map((name) => name.slice(0, -'Command'.length));

const read = async (payload) => {
  const pieces = [];
  let first;
  for await (const piece of payload) {
    first ??= performance.now();
    pieces.push(piece);
  }
  return {base64: Buffer.concat(pieces).toString('base64'), spread: performance.now() - (first ?? performance.now())};
};
const dates = (key, value) => (/Timestamp$/.test(key) && typeof value === 'number' ? new Date(value * 1000) : value);
const seconds = function (key, value) {
  return this[key] instanceof Date ? this[key].getTime() / 1000 : value;
};

console.log(JSON.stringify(Object.fromEntries(Object.entries(services).map(([name, [module]]) => [name, operations(module)]))));
for await (const line of createInterface({input: process.stdin})) {
  const {service, operation, input} = JSON.parse(line, dates);
  const [module, client] = services[service];
  let said;
  try {
    const {$metadata, ...answer} = await client.send(new module[`${operation}Command`](input));
    if (answer.Payload) answer.Payload = await read(answer.Payload);
    said = {answer};
  } catch (error) {
    said = {error: error.name, status: error.$metadata?.httpStatusCode, message: error.message};
  }
  console.log(JSON.stringify(said, seconds));
}
