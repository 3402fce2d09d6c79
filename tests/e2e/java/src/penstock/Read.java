package penstock;

import com.amazonaws.auth.AWSCredentialsProvider;
import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.kinesisvideo.parser.examples.ContinuousGetMediaWorker;
import com.amazonaws.kinesisvideo.parser.examples.GetMediaForFragmentListWorker;
import com.amazonaws.kinesisvideo.parser.examples.ListFragmentWorker;
import com.amazonaws.kinesisvideo.parser.mkv.MkvElementVisitException;
import com.amazonaws.kinesisvideo.parser.utilities.consumer.FragmentMetadataCallback;
import com.amazonaws.kinesisvideo.parser.utilities.consumer.GetMediaResponseStreamConsumer;
import com.amazonaws.kinesisvideo.parser.utilities.consumer.GetMediaResponseStreamConsumerFactory;
import com.amazonaws.regions.Regions;
import com.amazonaws.services.kinesisvideo.AmazonKinesisVideo;
import com.amazonaws.services.kinesisvideo.AmazonKinesisVideoClientBuilder;
import com.amazonaws.services.kinesisvideo.model.FragmentSelector;
import com.amazonaws.services.kinesisvideo.model.FragmentSelectorType;
import com.amazonaws.services.kinesisvideo.model.StartSelector;
import com.amazonaws.services.kinesisvideo.model.StartSelectorType;
import com.amazonaws.services.kinesisvideo.model.TimestampRange;
import java.io.InputStream;
import java.util.Date;
import java.util.List;

/**
 * Read ENDPOINT STREAM KEY SECRET (EARLIEST|NOW|list): reads a stream by Amazon's parser library and tells of each fragment ({@link Fragments}).
 * EARLIEST and NOW read on and on, over whatever ends an answer; `list` lists the fragments of the last hour, reads these, and ends.
 */
public final class Read {
  private static final Regions REGION = Regions.US_EAST_1;

  private Read() {}

  public static void main(String[] arguments) throws Exception {
    String stream = arguments[1];
    AWSCredentialsProvider keys = new AWSStaticCredentialsProvider(new BasicAWSCredentials(arguments[2], arguments[3]));
    AmazonKinesisVideo control = AmazonKinesisVideoClientBuilder.standard()
        .withEndpointConfiguration(new EndpointConfiguration(arguments[0], REGION.getName()))
        .withCredentials(keys)
        .build();
    if (arguments[4].equals("list")) {
      list(control, keys, stream);
      System.exit(0);
    }
    ContinuousGetMediaWorker.create(REGION, keys, stream, new StartSelector().withStartSelectorType(StartSelectorType.valueOf(arguments[4])),
        control, new Consumers()).run();
  }

  private static void list(AmazonKinesisVideo control, AWSCredentialsProvider keys, String stream) {
    Date now = new Date();
    FragmentSelector hour = new FragmentSelector()
        .withFragmentSelectorType(FragmentSelectorType.SERVER_TIMESTAMP)
        .withTimestampRange(new TimestampRange().withStartTimestamp(new Date(now.getTime() - 3_600_000)).withEndTimestamp(now));
    List<String> numbers = ListFragmentWorker.create(stream, keys, REGION, control, hour).call();
    Fragments fragments = new Fragments();
    GetMediaForFragmentListWorker.create(stream, numbers, keys, REGION, control, fragments.visitor()).run();
    fragments.end();
  }

  private static final class Consumers extends GetMediaResponseStreamConsumerFactory {
    @Override
    public GetMediaResponseStreamConsumer createConsumer() {
      return new GetMediaResponseStreamConsumer() {
        private final Fragments fragments = new Fragments();

        @Override
        public void process(InputStream answer, FragmentMetadataCallback whole) throws MkvElementVisitException {
          processWithFragmentEndCallbacks(answer, fragment -> {
            fragments.end();
            whole.call(fragment);
          }, fragments.visitor());
        }
      };
    }
  }
}
