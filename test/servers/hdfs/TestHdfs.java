// A real HDFS for the tests: namenodes and a datanode in one JVM, with HttpFS or Kerberos where asked, all on the loopback address.
//   java TestHdfs MODE FOLDER [key=value...]     MODE: plain, ha, httpfs, kerberos, tls; key=value: Hadoop settings
// Ports are chosen at the first start and kept in FOLDER/ports, so that a start after a kill is the same cluster again.
// FOLDER/ready appears when it answers and says where. One line POSTed to the control address is a command:
//   failover | stop-namenode N | start-namenode N | restart-namenode N | safemode on|off | stop-datanode | start-datanode | corrupt PATH
import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.io.FileOutputStream;
import java.io.FileWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.Properties;
import java.util.StringJoiner;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DFSTestUtil;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.MiniDFSNNTopology;
import org.apache.hadoop.hdfs.server.namenode.NameNodeAdapter;
import org.apache.hadoop.minikdc.MiniKdc;
import org.apache.hadoop.security.UserGroupInformation;

public final class TestHdfs {
  private static final String NAME = "alluvium";
  private static MiniDFSCluster cluster;
  private static MiniDFSCluster.DataNodeProperties stoppedDatanode;
  private static int namenodes;

  public static void main(String[] args) throws Exception {
    String mode = args[0];
    File folder = new File(args[1]).getAbsoluteFile();
    File data = new File(folder, "data");
    boolean fresh = data.mkdirs();
    Properties ports = ports(new File(folder, "ports"));
    StringJoiner ready = new StringJoiner("\n", "", "\n");
    Configuration conf = settings(data);
    if (mode.equals("kerberos")) kerberos(conf, folder, ports, ready);
    // The certificate is in the folder, and ssl-server.xml on the class path says so.
    if (mode.equals("tls")) {
      conf.set("dfs.http.policy", "HTTPS_ONLY");
      conf.set("dfs.namenode.https-address", "127.0.0.1:" + port(ports, "http0"));
      conf.set("dfs.datanode.https.address", "127.0.0.1:" + port(ports, "datanodeHttps"));
      ready.add("ca=" + new File(folder, "tls/ca.pem"));
      ready.add("otherCa=" + new File(folder, "tls/other-ca.pem"));
    }
    for (int i = 2; i < args.length; i++) conf.set(args[i].substring(0, args[i].indexOf('=')), args[i].substring(args[i].indexOf('=') + 1));
    start(mode, conf, fresh, ports);
    String host = mode.equals("kerberos") ? "localhost" : "127.0.0.1";
    for (int i = 0; i < namenodes; i++) ready.add("namenode" + i + "=" + host + ":" + ports.getProperty("http" + i));
    if (mode.equals("httpfs")) ready.add("httpfs=127.0.0.1:" + httpfs(folder, ports));
    ready.add("rpc=" + ports.getProperty("rpc0"));
    ready.add("control=http://127.0.0.1:" + control());
    File written = new File(folder, "ready.new");
    Files.write(written.toPath(), ready.toString().getBytes(StandardCharsets.UTF_8));
    Files.move(written.toPath(), new File(folder, "ready").toPath(), StandardCopyOption.ATOMIC_MOVE);
    Thread.currentThread().join();
  }

  private static Configuration settings(File data) throws Exception {
    Configuration conf = new Configuration();
    conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, data.getPath());
    conf.set("dfs.replication", "1");
    conf.setBoolean("dfs.permissions.enabled", true);
    conf.set("dfs.datanode.hostname", "127.0.0.1");
    conf.setInt("dfs.heartbeat.interval", 1);
    conf.setInt("dfs.namenode.safemode.extension", 0);
    conf.setInt("dfs.ha.tail-edits.period", 1);
    // Closing a file waits so long for the datanode's report when it asks too early; by default 400 ms.
    conf.setInt("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", 20);
    String me = UserGroupInformation.getCurrentUser().getShortUserName();
    conf.set("hadoop.proxyuser." + me + ".hosts", "*");
    conf.set("hadoop.proxyuser." + me + ".groups", "*");
    return conf;
  }

  private static void start(String mode, Configuration conf, boolean fresh, Properties ports) throws Exception {
    namenodes = mode.equals("ha") ? 2 : 1;
    MiniDFSCluster.Builder builder = new MiniDFSCluster.Builder(conf).numDataNodes(1).format(fresh)
        .skipFsyncForTesting(false).checkExitOnShutdown(false);
    // Folders of the datanode that were asked for, such as a small disk.
    if (conf.get("dfs.datanode.data.dir", "").startsWith("/")) builder.manageDataDfsDirs(false);
    builder.setDnHttpPorts(port(ports, "datanode")).setDnIpcPorts(port(ports, "datanodeIpc"));
    if (namenodes == 1) {
      builder.nameNodePort(port(ports, "rpc0"));
      if (!mode.equals("tls")) builder.nameNodeHttpPort(port(ports, "http0"));
    } else {
      // The datanode has to know the logical name too: redirects carry it.
      MiniDFSNNTopology.NSConf service = new MiniDFSNNTopology.NSConf(NAME);
      conf.set("fs.defaultFS", "hdfs://" + NAME);
      conf.set("dfs.nameservices", NAME);
      conf.set("dfs.ha.namenodes." + NAME, "nn0,nn1");
      conf.set("dfs.client.failover.proxy.provider." + NAME, "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider");
      for (int i = 0; i < 2; i++) {
        service.addNN(new MiniDFSNNTopology.NNConf("nn" + i).setIpcPort(port(ports, "rpc" + i)).setHttpPort(port(ports, "http" + i)));
        conf.set("dfs.namenode.rpc-address." + NAME + ".nn" + i, "127.0.0.1:" + port(ports, "rpc" + i));
      }
      builder.nnTopology(new MiniDFSNNTopology().addNameservice(service));
    }
    cluster = builder.build();
    if (namenodes == 2) cluster.transitionToActive(0);
    cluster.waitActive();
    if (!fresh) return;
    DistributedFileSystem files = cluster.getFileSystem(0);
    files.mkdirs(new Path("/tables"));
    files.setPermission(new Path("/tables"), new FsPermission((short) 01777));
  }

  private static String command(String[] words) throws Exception {
    int which = words.length > 1 && words[1].matches("\\d") ? Integer.parseInt(words[1]) : 0;
    switch (words[0]) {
      case "failover": {
        int active = active();
        if (active >= 0) cluster.transitionToStandby(active);
        boolean second = active == 0 || (active < 0 && cluster.getNameNode(0) == null);
        cluster.transitionToActive(second ? 1 : 0);
        return "active " + active();
      }
      case "stop-namenode": cluster.shutdownNameNode(which); return "stopped";
      case "start-namenode":
      case "restart-namenode": {
        boolean wasActive = namenodes == 1 || active() == which;
        cluster.restartNameNode(which, false);
        if (namenodes == 2 && wasActive) cluster.transitionToActive(which);
        if (namenodes == 1) cluster.waitActive();
        return "started";
      }
      case "safemode":
        if (words[1].equals("on")) NameNodeAdapter.enterSafeMode(cluster.getNameNode(Math.max(0, active())), false);
        else NameNodeAdapter.leaveSafeMode(cluster.getNameNode(Math.max(0, active())));
        return "safe mode " + words[1];
      case "stop-datanode": stoppedDatanode = cluster.stopDataNode(0); return "stopped";
      case "start-datanode":
        cluster.restartDataNode(stoppedDatanode, true);
        cluster.waitActive();
        return "started";
      case "corrupt": {
        DistributedFileSystem files = (DistributedFileSystem) cluster.getNewFileSystemInstance(Math.max(0, active()));
        return "corrupted " + cluster.corruptBlockOnDataNodes(DFSTestUtil.getFirstBlock(files, new Path(words[1])));
      }
      default: throw new IllegalArgumentException("no command " + words[0]);
    }
  }

  private static int active() {
    for (int i = 0; i < namenodes; i++) {
      if (cluster.getNameNode(i) != null && cluster.getNameNode(i).isActiveState()) return i;
    }
    return -1;
  }

  private static int control() throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 4);
    server.createContext("/", exchange -> {
      String line = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8).trim();
      int status = 200;
      String answer;
      try {
        synchronized (TestHdfs.class) { answer = command(line.split(" ")); }
      } catch (Throwable failure) {
        failure.printStackTrace();
        status = 500;
        answer = failure.toString();
      }
      byte[] bytes = (answer + "\n").getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, bytes.length);
      exchange.getResponseBody().write(bytes);
      exchange.close();
    });
    server.start();
    return server.getAddress().getPort();
  }

  /** HttpFS reads its settings from files on the class path, which the script puts there. */
  private static int httpfs(File folder, Properties ports) throws Exception {
    int port = port(ports, "httpfs");
    String me = UserGroupInformation.getCurrentUser().getShortUserName();
    Configuration core = new Configuration(false);
    core.set("fs.defaultFS", cluster.getURI(0).toString());
    core.set("dfs.replication", "1");
    save(core, new File(folder, "conf/core-site.xml"));
    Configuration site = new Configuration(false);
    site.set("httpfs.http.hostname", "127.0.0.1");
    site.setInt("httpfs.http.port", port);
    site.set("httpfs.proxyuser." + me + ".hosts", "*");
    site.set("httpfs.proxyuser." + me + ".groups", "*");
    site.set("httpfs.hadoop.config.dir", new File(folder, "conf").getPath());
    save(site, new File(folder, "conf/httpfs-site.xml"));
    Thread server = new Thread(() -> {
      try {
        org.apache.hadoop.fs.http.server.HttpFSServerWebServer.main(new String[0]);
      } catch (Throwable failure) {
        failure.printStackTrace();
        System.exit(1);
      }
    });
    server.setDaemon(true);
    server.start();
    for (int tries = 0; tries < 600; tries++) {
      try (Socket socket = new Socket("127.0.0.1", port)) { return port; } catch (java.io.IOException notYet) { Thread.sleep(100); }
    }
    throw new IllegalStateException("HttpFS does not listen");
  }

  /** A KDC of our own, and SPNEGO on every web address. */
  private static void kerberos(Configuration conf, File folder, Properties ports, StringJoiner ready) throws Exception {
    File keys = new File(folder, "kdc");
    keys.mkdirs();
    Properties settings = MiniKdc.createConf();
    settings.setProperty(MiniKdc.KDC_BIND_ADDRESS, "127.0.0.1");
    settings.setProperty(MiniKdc.KDC_PORT, String.valueOf(port(ports, "kdc")));
    MiniKdc kdc = new MiniKdc(settings, keys);
    kdc.start();
    File servers = new File(keys, "servers.keytab");
    File client = new File(keys, "client.keytab");
    kdc.createPrincipal(servers, "hdfs/localhost", "HTTP/localhost");
    kdc.createPrincipal(client, "alice");
    String realm = "@" + kdc.getRealm();
    System.setProperty("java.security.krb5.conf", kdc.getKrb5conf().getPath());
    conf.set("hadoop.security.authentication", "kerberos");
    conf.set("hadoop.security.authorization", "true");
    conf.set("hadoop.security.auth_to_local", "RULE:[2:$1](.*)s/^.*$/hdfs/\nDEFAULT");
    for (String server : new String[] {"namenode", "datanode"}) {
      conf.set("dfs." + server + ".kerberos.principal", "hdfs/localhost" + realm);
      conf.set("dfs." + server + ".keytab.file", servers.getPath());
    }
    // The second decides; without it WebHDFS goes on believing any user.name.
    conf.set("dfs.web.authentication.kerberos.principal", "HTTP/localhost" + realm);
    conf.set("dfs.web.authentication.kerberos.keytab", servers.getPath());
    conf.set("hadoop.http.authentication.type", "kerberos");
    conf.set("hadoop.http.authentication.kerberos.principal", "HTTP/localhost" + realm);
    conf.set("hadoop.http.authentication.kerberos.keytab", servers.getPath());
    conf.set("dfs.block.access.token.enable", "true");
    conf.set("dfs.http.policy", "HTTP_ONLY");
    conf.set("ignore.secure.ports.for.testing", "true");
    conf.set("dfs.datanode.hostname", "localhost");
    UserGroupInformation.setConfiguration(conf);
    UserGroupInformation.loginUserFromKeytab("hdfs/localhost" + realm, servers.getPath());
    ready.add("krb5conf=" + kdc.getKrb5conf().getPath());
    ready.add("keytab=" + client.getPath());
  }

  private static Properties ports(File file) throws Exception {
    Properties ports = new Properties() {
      @Override public synchronized Object setProperty(String key, String value) {
        Object before = super.setProperty(key, value);
        try (FileOutputStream out = new FileOutputStream(file)) { store(out, null); } catch (java.io.IOException failure) { throw new RuntimeException(failure); }
        return before;
      }
    };
    if (file.exists()) ports.load(Files.newBufferedReader(file.toPath()));
    return ports;
  }

  private static int port(Properties ports, String name) throws Exception {
    if (ports.getProperty(name) == null) {
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        ports.setProperty(name, String.valueOf(socket.getLocalPort()));
      }
    }
    return Integer.parseInt(ports.getProperty(name));
  }

  private static void save(Configuration conf, File file) throws Exception {
    try (FileWriter writer = new FileWriter(file)) { conf.writeXml(writer); }
  }

  private TestHdfs() {}
}
