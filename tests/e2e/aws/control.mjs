// Asks for every operation on streams' and channels' configurations with Amazon's SDK for JavaScript and prints what it says as JSON:
// control.mjs ENDPOINT STREAM CHANNEL. Both are there, and are left as they are afterwards.
import {KinesisVideo} from '@aws-sdk/client-kinesis-video';

const [endpoint, StreamName, ChannelName] = process.argv.slice(2);
const video = new KinesisVideo({region: 'eu-north-1', maxAttempts: 1, endpoint});
const said = {};
const refusal = (promise) => promise.then(() => ['none'], (error) => [error.name, error.$metadata?.httpStatusCode]);

const {StreamInfo: {StreamARN, Version: CurrentVersion}} = await video.describeStream({StreamName});
await video.tagStream({StreamName, Tags: {a: '1'}});
await video.tagResource({ResourceARN: StreamARN, Tags: [{Key: 'b', Value: '2'}]});
said.tags = (await video.listTagsForStream({StreamARN})).Tags;
await video.untagStream({StreamName, TagKeyList: ['a']});
await video.untagResource({ResourceARN: StreamARN, TagKeyList: ['b']});
said.noTags = (await video.listTagsForResource({ResourceARN: StreamARN})).Tags;

const StreamStorageConfiguration = {DefaultStorageTier: 'WARM'};
await video.updateStreamStorageConfiguration({StreamName, CurrentVersion, StreamStorageConfiguration});
said.tier = (await video.describeStreamStorageConfiguration({StreamName})).StreamStorageConfiguration;
said.mismatch = await refusal(video.updateStreamStorageConfiguration({StreamName, CurrentVersion, StreamStorageConfiguration}));

const {ChannelInfo: {ChannelARN}} = await video.describeSignalingChannel({ChannelName});
await video.updateMediaStorageConfiguration({ChannelARN, MediaStorageConfiguration: {Status: 'ENABLED', StreamARN}});
said.storage = (await video.describeMediaStorageConfiguration({ChannelName})).MediaStorageConfiguration;
said.mapped = (await video.describeMappedResourceConfiguration({StreamName})).MappedResourceConfigurationList;
said.endpoints = (await video.getSignalingChannelEndpoint({
  ChannelARN, SingleMasterChannelEndpointConfiguration: {Protocols: ['WSS', 'HTTPS', 'WEBRTC'], Role: 'MASTER'}})).ResourceEndpointList;
await video.updateMediaStorageConfiguration({ChannelARN, MediaStorageConfiguration: {Status: 'DISABLED'}});
said.unmapped = (await video.describeMappedResourceConfiguration({StreamName})).MappedResourceConfigurationList;

const HubDeviceArn = 'arn:aws:iot:eu-north-1:123456789012:thing/hub';
said.noEdge = await refusal(video.describeEdgeConfiguration({StreamName}));
const started = await video.startEdgeConfigurationUpdate({StreamName, EdgeConfig: {HubDeviceArn, RecorderConfig: {MediaSourceConfig: {
  MediaUriSecretArn: 'arn:aws:secretsmanager:eu-north-1:123456789012:secret:door', MediaUriType: 'RTSP_URI'}}}});
said.started = [started.SyncStatus, started.CreationTime instanceof Date];
said.again = await refusal(video.startEdgeConfigurationUpdate({StreamName, EdgeConfig: started.EdgeConfig}));
said.edge = (await video.describeEdgeConfiguration({StreamARN})).EdgeConfig.HubDeviceArn;
said.edges = (await video.listEdgeAgentConfigurations({HubDeviceArn})).EdgeConfigs.map((edge) => edge.StreamName);
await video.deleteEdgeConfiguration({StreamName});
said.goneEdge = await refusal(video.deleteEdgeConfiguration({StreamName}));
console.log(JSON.stringify({...said, StreamARN, ChannelARN}));
