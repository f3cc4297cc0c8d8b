import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.mapper.MapperExtrasPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/** A node of OpenSearch, whose settings are the variables with a dot in their names, as in Elasticsearch's image. */
public class Node extends org.opensearch.node.Node {
    Node(Environment environment, Collection<Class<? extends Plugin>> plugins) {
        super(environment, plugins, false);
    }

    public static void main(String[] arguments) throws Exception {
        Settings.Builder settings = Settings.builder().put("path.home", ".").put("network.host", "0.0.0.0")
            .put("transport.type", "netty4").put("http.type", "netty4");
        System.getenv().forEach((name, value) -> {
            // OpenSearch has no X-Pack.
            if (name.contains(".") && !name.startsWith("xpack.")) {
                settings.put(name, value);
            }
        });
        Environment environment =
            InternalSettingsPreparer.prepareEnvironment(settings.build(), Map.of(), null, () -> "elasticsearch");
        new Node(environment, List.of(Netty4Plugin.class, MapperExtrasPlugin.class)).start();
        new CountDownLatch(1).await();
    }
}
