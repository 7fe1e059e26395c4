import java.nio.file.Path;
import java.util.Arrays;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/**
 * One node of an OpenSearch cluster on loopback. Arguments: its folder, its name, its HTTP port, the transport ports of all
 * nodes of the cluster with its own first, and the plugin classes, comma-separated, or "none".
 */
public class Node {
  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    String name = arguments[1];
    String[] ports = arguments[3].split(",");
    String[] seeds = Arrays.stream(ports).map(port -> "127.0.0.1:" + port).toArray(String[]::new);
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.onBuild((number, settings) -> {
      settings.put("node.name", name);
      settings.put("network.host", "127.0.0.1");
      settings.put("http.port", arguments[2]);
      settings.put("transport.port", ports[0]);
      settings.putList("discovery.seed_hosts", seeds);
      settings.put("cluster.initial_cluster_manager_nodes", "node-0");
      // A disk that is nearly full is the matter of one test, which turns the check on.
      settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
      // Else garbage counts as memory in use, and a small heap refuses what it has room for.
      settings.put("indices.breaker.total.use_real_memory", false);
      settings.put("cluster.fault_detection.leader_check.interval", "500ms");
      settings.put("cluster.fault_detection.follower_check.interval", "500ms");
    });
    OpenSearchRunner.Configs configs =
        OpenSearchRunner.newConfigs().basePath(folder.toString()).clusterName("tests").numOfNode(1).useLogger();
    if (!arguments[4].equals("none")) configs.pluginTypes(arguments[4]);
    runner.build(configs);
    // It runs until it is killed.
    Thread.currentThread().join();
  }
}
