package penstock;

import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.kinesisvideo.client.KinesisVideoClient;
import com.amazonaws.kinesisvideo.client.KinesisVideoClientConfiguration;
import com.amazonaws.kinesisvideo.common.exception.KinesisVideoException;
import com.amazonaws.kinesisvideo.java.auth.JavaCredentialsProviderImpl;
import com.amazonaws.kinesisvideo.java.client.KinesisVideoJavaClientFactory;
import com.amazonaws.kinesisvideo.producer.DeviceInfo;
import com.amazonaws.kinesisvideo.producer.StorageInfo;
import com.amazonaws.kinesisvideo.producer.Tag;
import com.amazonaws.kinesisvideo.storage.DefaultStorageCallbacks;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * Send ENDPOINT STREAM FOLDER KEY SECRET: sends the pictures of a folder by Amazon's producer library, each at its time. The library makes the
 * stream. Ends when the library says that all of it is acknowledged. What happens is told a line each: {@link Film}, {@link Events}.
 */
public final class Send {
  private static final int VERSION = 0;
  private static final long STORAGE_BYTES = 64L << 20;

  private Send() {}

  public static void main(String[] arguments) throws Exception {
    String endpoint = arguments[0];
    Film film = new Film(arguments[1], Path.of(arguments[2]));
    KinesisVideoClientConfiguration configuration = KinesisVideoClientConfiguration.builder()
        .withRegion("us-east-1")
        .withEndpoint(endpoint)
        .withCredentialsProvider(new JavaCredentialsProviderImpl(
            new AWSStaticCredentialsProvider(new BasicAWSCredentials(arguments[3], arguments[4]))))
        .withStorageCallbacks(new DefaultStorageCallbacks())
        .build();
    StorageInfo storage = new StorageInfo(VERSION, StorageInfo.DeviceStorageType.DEVICE_STORAGE_TYPE_IN_MEM, STORAGE_BYTES, 90, "/tmp");
    ScheduledExecutorService threads = Executors.newScheduledThreadPool(2);
    KinesisVideoClient client = KinesisVideoJavaClientFactory.createKinesisVideoClient(
        configuration, new DeviceInfo(VERSION, "penstock-test", storage, 1, new Tag[0]), threads);
    int code = 0;
    try {
      client.registerMediaSource(film);
      film.start();
      film.awaitEnd();
      long before = System.nanoTime();
      client.unregisterMediaSource(film);  // waits for the last acknowledgement, 15 s at most
      Events.say("stopped", (System.nanoTime() - before) / 1_000_000);
    } catch (KinesisVideoException error) {
      error.printStackTrace();
      code = 1;
    }
    // client.free() is left out: in this version of the library its native part logs by what it has just deleted, and crashes.
    System.exit(code);
  }
}
