// A customer's client in Java 17, as such clients are written after the platform's published samples:
// one header set for a whole flow, the body repeated on GET and DELETE, numbers escaped by hand.
// The JDK's own library only, started from source. Usage: java Client.java <base address> <file with lines
// "mode key secret a b x"> [<PEM file of a further authority>]. Prints one JSON line per application and scheme.

import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Client {
    private final HttpClient http;
    private final String base;
    private final String key;
    private final String[] headers;
    private final List<String> steps = new ArrayList<>();

    Client(HttpClient http, String base, String key, String[] headers) {
        this.http = http;
        this.base = base;
        this.key = key;
        this.headers = headers;
    }

    static String[] headers(String scheme, String key, String secret) throws Exception {
        String nonce = UUID.randomUUID().toString().replace("-", "");
        String created = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        byte[] raw;
        if (scheme.equals("AKSK")) {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            raw = mac.doFinal((nonce + created).getBytes(StandardCharsets.UTF_8));
        } else {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            raw = sha.digest((nonce + created + secret).getBytes(StandardCharsets.UTF_8));
        }
        String token = "UsernameToken Username=\"" + key + "\",PasswordDigest=\""
            + Base64.getEncoder().encodeToString(raw) + "\",Nonce=\"" + nonce + "\",Created=\"" + created + "\"";
        return new String[] {
            "Content-Type", "application/json;charset=UTF-8",
            "Authorization", scheme + " realm=\"SDP\",profile=\"UsernameToken\",type=\"Appkey\"",
            "X-" + scheme, token,
        };
    }

    static HttpClient trusting(Path authority) throws Exception {
        HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
        if (authority == null) {
            return builder.build();
        }
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream pem = Files.newInputStream(authority)) {
            store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return builder.sslContext(context).build();
    }

    String ask(String step, String method, String path, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + path))
            .headers(headers)
            .method(method, BodyPublishers.ofString(body))
            .build();
        HttpResponse<String> answer = http.send(request, BodyHandlers.ofString(StandardCharsets.UTF_8));
        String code = value(answer.body(), "resultcode");
        steps.add("[\"" + step + "\"," + answer.statusCode() + ",\"" + code + "\"]");
        return answer.body();
    }

    static String value(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
        return found.find() ? found.group(1) : "";
    }

    static String escaped(String number) {
        return URLEncoder.encode(number, StandardCharsets.UTF_8);
    }

    static String json(String... members) {
        StringBuilder text = new StringBuilder("{");
        for (int place = 0; place < members.length; place += 2) {
            text.append(place == 0 ? "" : ",").append('"').append(members[place]).append("\":\"")
                .append(members[place + 1]).append('"');
        }
        return text.append('}').toString();
    }

    String ax(String a, String b, String x) throws Exception {
        String path = "/rest/provision/caas/privatenumber/v1.0";
        String bind = json("origNum", a, "privateNum", x, "calleeNumDisplay", "0", "maxDuration", "60");
        String id = value(ask("bind", "POST", path, bind), "subscriptionId");
        String found = ask("query", "GET", path + "?privateNum=" + escaped(x), bind);
        String callee = json("privateNum", x, "calleeNum", b, "duration", "60");
        ask("callee", "PUT", "/rest/caas/privatenumber/calleenumber/v1.0", callee);
        ask("unbind", "DELETE", path + "?subscriptionId=" + id, bind);
        return value(found, "privateNum");
    }

    String axb(String a, String b, String x) throws Exception {
        String path = "/rest/caas/relationnumber/partners/v1.0";
        String bind = json("callerNum", a, "relationNum", x, "calleeNum", b, "duration", "7200");
        String id = value(ask("bind", "POST", path, bind), "subscriptionId");
        String found = ask("query", "GET", path + "?relationNum=" + escaped(x) + "&calleeNum=" + escaped(b), bind);
        ask("modify", "PUT", path, json("subscriptionId", id, "callDirection", "1", "areaCode", ""));
        ask("unbind", "DELETE", path + "?subscriptionId=" + id, json("relationNum", x));
        return value(found, "relationNum");
    }

    String axe(String a, String b, String x) throws Exception {
        String path = "/rest/caas/extendnumber/v1.0";
        String bind = json("virtualNum", x, "bindNum", a, "extendNum", "0042", "callbackNum", b, "timeUnit", "1");
        String id = value(ask("bind", "POST", path, bind), "subscriptionId");
        String found = ask("query", "GET", path + "?subscriptionId=" + id + "&virtualNum=&extendNum=", bind);
        ask("modify", "PUT", path, json("subscriptionId", id, "callbackNum", "", "callbackTone", "tone.wav"));
        ask("unbind", "DELETE", path + "?virtualNum=" + escaped(x) + "&extendNum=0042", bind);
        return value(found, "virtualNum");
    }

    String axyb(String a, String b, String x) throws Exception {
        String path = "/rest/omp/xyrelationnumber/v1.0?app_key=" + key;
        String bind = json("origNum", a, "areaCode", "0755", "duration", "3600");
        String id = value(ask("bind", "POST", path, bind), "subscriptionId");
        ask("bind of B", "POST", path, json("origNum", b, "subscriptionId", id));
        String found = ask("query", "GET", path + "&subscriptionId=" + id, bind);
        ask("unbind of B", "DELETE", path + "&subscriptionId=" + id + "&bNum=" + escaped(b), bind);
        ask("unbind", "DELETE", path + "&subscriptionId=" + id, bind);
        return value(found, "numX");
    }

    String flow(String mode, String a, String b, String x) throws Exception {
        return switch (mode) {
            case "AX" -> ax(a, b, x);
            case "AXB" -> axb(a, b, x);
            case "AXE" -> axe(a, b, x);
            case "AXYB" -> axyb(a, b, x);
            default -> throw new IllegalArgumentException(mode);
        };
    }

    public static void main(String[] given) throws Exception {
        HttpClient http = trusting(given.length > 2 ? Path.of(given[2]) : null);
        for (String line : Files.readAllLines(Path.of(given[1]))) {
            String[] app = line.split(" ");
            for (String scheme : List.of("AKSK", "WSSE")) {
                Client client = new Client(http, given[0], app[1], headers(scheme, app[1], app[2]));
                String x = client.flow(app[0], app[3], app[4], app[5]);
                System.out.println("{\"mode\":\"" + app[0] + "\",\"scheme\":\"" + scheme + "\",\"steps\":["
                    + String.join(",", client.steps) + "],\"x\":\"" + x + "\"}");
            }
        }
    }
}
