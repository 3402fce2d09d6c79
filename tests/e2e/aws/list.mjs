// Asks a server with Amazon's SDK for JavaScript and prints what it says as JSON: list.mjs ENDPOINT STREAM.
import {KinesisVideoClient, DescribeStreamCommand, GetDataEndpointCommand, ListStreamsCommand} from '@aws-sdk/client-kinesis-video';
import {KinesisVideoArchivedMediaClient, GetMediaForFragmentListCommand, ListFragmentsCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {KinesisVideoMediaClient, GetMediaCommand} from '@aws-sdk/client-kinesis-video-media';

const [endpoint, StreamName] = process.argv.slice(2);
const options = {region: 'eu-north-1', maxAttempts: 1};
const control = new KinesisVideoClient({...options, endpoint});
const collect = async (stream) => {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
};

const {StreamInfo} = await control.send(new DescribeStreamCommand({StreamName}));
const {StreamInfoList} = await control.send(new ListStreamsCommand({}));
const {DataEndpoint} = await control.send(new GetDataEndpointCommand({StreamName, APIName: 'LIST_FRAGMENTS'}));
const archive = new KinesisVideoArchivedMediaClient({...options, endpoint: DataEndpoint});
const numbers = [];
let NextToken;
do {
  const page = await archive.send(new ListFragmentsCommand(NextToken ? {StreamName, NextToken} : {
    StreamName, MaxResults: 2, FragmentSelector: {FragmentSelectorType: 'SERVER_TIMESTAMP',
      TimestampRange: {StartTimestamp: StreamInfo.CreationTime, EndTimestamp: new Date()}}}));
  numbers.push(...page.Fragments.map((fragment) => fragment.FragmentNumber));
  NextToken = page.NextToken;
} while (NextToken);
const list = await archive.send(new GetMediaForFragmentListCommand({StreamName, Fragments: numbers.slice(0, 1)}));
const media = new KinesisVideoMediaClient({...options, endpoint: DataEndpoint});
const all = await media.send(new GetMediaCommand({StreamName, StartSelector: {StartSelectorType: 'EARLIEST'}}));
const missing = await control.send(new DescribeStreamCommand({StreamName: 'none'})).catch((error) => error);
console.log(JSON.stringify({
  arn: StreamInfo.StreamARN, created: StreamInfo.CreationTime.getTime(), streams: StreamInfoList.map((info) => info.StreamName), numbers,
  first: (await collect(list.Payload)).toString('base64'), bytes: (await collect(all.Payload)).length, type: all.ContentType,
  error: [missing.name, missing.$metadata.httpStatusCode]}));
