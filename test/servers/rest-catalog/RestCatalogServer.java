package org.apache.iceberg.rest;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.exceptions.NamespaceNotEmptyException;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.exceptions.NotAuthorizedException;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.exceptions.UnprocessableEntityException;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.rest.requests.CreateNamespaceRequest;
import org.apache.iceberg.rest.requests.CreateTableRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.rest.responses.ErrorResponse;

/**
 * The REST catalog of Apache Iceberg's own Java library for tests: its handlers, serializers and JDBC catalog, over the
 * HTTP server of the JDK. Takes catalog properties as {@code name=value}, and of its own {@code port} (0: any; it is
 * told on standard output), {@code prefix}, {@code clientID}, {@code clientSecret} and {@code tokenSeconds}: with a client id nobody without a token gets in.
 * {@code POST /test/expire-tokens} makes all tokens too old.
 */
public final class RestCatalogServer {
  private static final ObjectMapper JSON = RESTObjectMapper.mapper();

  private final JdbcCatalog catalog = new JdbcCatalog();
  private final Map<String, Long> tokens = new ConcurrentHashMap<>();
  private final Map<String, String> options;

  private RestCatalogServer(Map<String, String> options) {
    this.options = options;
    catalog.initialize("test", options);
  }

  public static void main(String[] arguments) throws IOException {
    Map<String, String> options = new HashMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      options.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    RestCatalogServer catalog = new RestCatalogServer(options);
    int port = Integer.parseInt(options.getOrDefault("port", "0"));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.setExecutor(Executors.newFixedThreadPool(16));
    server.createContext("/", catalog::handle);
    server.start();
    System.out.println("port " + server.getAddress().getPort());
    // Ends with the process that started it, also when that was killed.
    while (System.in.read() >= 0) {}
    Runtime.getRuntime().halt(0);
  }

  private record Answer(int status, Object body) {}

  private void handle(HttpExchange exchange) throws IOException {
    Answer answer;
    try {
      answer = route(exchange);
    } catch (Exception thrown) {
      int status = statusOf(thrown);
      if (status >= 500) thrown.printStackTrace();
      answer = new Answer(status, errorOf(status, thrown));
    }
    byte[] body = answer.body() == null ? new byte[0] : JSON.writeValueAsBytes(answer.body());
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
    if (body.length > 0) exchange.getResponseBody().write(body);
    exchange.close();
  }

  private Answer route(HttpExchange exchange) throws IOException {
    String method = exchange.getRequestMethod();
    String path = exchange.getRequestURI().getRawPath();
    if (path.equals("/test/expire-tokens")) {
      tokens.replaceAll((token, until) -> 0L);
      return new Answer(204, null);
    }
    if (path.equals("/v1/oauth/tokens")) return token(exchange);
    requireToken(exchange);
    if (path.equals("/v1/config")) return new Answer(200, config());
    String below = "/v1/" + options.getOrDefault("prefix", "main") + "/";
    if (!path.startsWith(below)) throw new NoSuchRoute(method + " " + path);
    List<String> parts = Arrays.asList(path.substring(below.length()).split("/"));
    if (!parts.get(0).equals("namespaces")) throw new NoSuchRoute(method + " " + path);
    if (parts.size() == 1) return namespaces(method, exchange);
    Namespace namespace = RESTUtil.decodeNamespaceAsPathSegment(parts.get(1), "%1F");
    if (parts.size() == 2) return namespace(method, namespace);
    if (!parts.get(2).equals("tables")) throw new NoSuchRoute(method + " " + path);
    if (parts.size() == 3) return tables(method, namespace, exchange);
    if (parts.size() > 4) throw new NoSuchRoute(method + " " + path);
    return table(method, TableIdentifier.of(namespace, RESTUtil.decodePathSegment(parts.get(3))), exchange);
  }

  private Map<String, Object> config() {
    List<Endpoint> endpoints =
        List.of(
            Endpoint.V1_LIST_NAMESPACES,
            Endpoint.V1_CREATE_NAMESPACE,
            Endpoint.V1_LOAD_NAMESPACE,
            Endpoint.V1_DELETE_NAMESPACE,
            Endpoint.V1_LIST_TABLES,
            Endpoint.V1_CREATE_TABLE,
            Endpoint.V1_LOAD_TABLE,
            Endpoint.V1_UPDATE_TABLE,
            Endpoint.V1_DELETE_TABLE);
    return Map.of(
        "defaults", Map.of(),
        "overrides", Map.of("prefix", options.getOrDefault("prefix", "main")),
        "endpoints", endpoints.stream().map(Endpoint::toString).toList(),
        "idempotency-key-lifetime", "PT30M");
  }

  private Answer namespaces(String method, HttpExchange exchange) throws IOException {
    if (method.equals("GET")) return new Answer(200, CatalogHandlers.listNamespaces(catalog, Namespace.empty()));
    CreateNamespaceRequest request = read(exchange, CreateNamespaceRequest.class);
    return new Answer(200, CatalogHandlers.createNamespace(catalog, request));
  }

  private Answer namespace(String method, Namespace namespace) {
    if (method.equals("GET")) return new Answer(200, CatalogHandlers.loadNamespace(catalog, namespace));
    CatalogHandlers.dropNamespace(catalog, namespace);
    return new Answer(204, null);
  }

  private Answer tables(String method, Namespace namespace, HttpExchange exchange) throws IOException {
    if (method.equals("GET")) return new Answer(200, CatalogHandlers.listTables(catalog, namespace));
    CreateTableRequest request = read(exchange, CreateTableRequest.class);
    return once(exchange, () -> CatalogHandlers.createTable(catalog, namespace, request));
  }

  private Answer table(String method, TableIdentifier name, HttpExchange exchange) throws IOException {
    if (method.equals("GET")) {
      return new Answer(200, CatalogHandlers.loadTable(catalog, name, RESTCatalogProperties.SnapshotMode.ALL));
    }
    if (method.equals("DELETE")) {
      CatalogHandlers.dropTable(catalog, name);
      return new Answer(204, null);
    }
    UpdateTableRequest request = read(exchange, UpdateTableRequest.class);
    return once(exchange, () -> CatalogHandlers.updateTable(catalog, name, request));
  }

  /** Requests of one Idempotency-Key have one answer. */
  private static <T extends RESTResponse> Answer once(HttpExchange exchange, Supplier<T> action) {
    String key = exchange.getRequestHeaders().getFirst(RESTUtil.IDEMPOTENCY_KEY_HEADER);
    Map<String, String> headers = key == null ? Map.of() : Map.of(RESTUtil.IDEMPOTENCY_KEY_HEADER, key);
    HTTPRequest request =
        ImmutableHTTPRequest.builder()
            .baseUri(java.net.URI.create("http://127.0.0.1"))
            .method(HTTPRequest.HTTPMethod.POST)
            .path("v1")
            .headers(HTTPHeaders.of(headers))
            .build();
    return new Answer(200, CatalogHandlers.withIdempotency(request, action));
  }

  private Answer token(HttpExchange exchange) throws IOException {
    String text = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    Map<String, String> form = RESTUtil.decodeFormData(text);
    boolean isKnown =
        "client_credentials".equals(form.get("grant_type"))
            && options.getOrDefault("clientID", "").equals(form.get("client_id"))
            && options.getOrDefault("clientSecret", "").equals(form.get("client_secret"));
    if (!isKnown) return new Answer(401, Map.of("error", "invalid_client"));
    long seconds = Long.parseLong(options.getOrDefault("tokenSeconds", "3600"));
    String token = UUID.randomUUID().toString();
    tokens.put(token, System.currentTimeMillis() + 1000 * seconds);
    return new Answer(
        200, Map.of("access_token", token, "token_type", "bearer", "expires_in", seconds));
  }

  private void requireToken(HttpExchange exchange) {
    if (!options.containsKey("clientID")) return;
    String header = exchange.getRequestHeaders().getFirst("Authorization");
    Long until = header == null ? null : tokens.get(header.replaceFirst("(?i)^bearer ", ""));
    if (until == null) throw new NotAuthorizedException("no valid token");
    if (until < System.currentTimeMillis()) throw new TokenExpired();
  }

  private static <T> T read(HttpExchange exchange, Class<T> type) throws IOException {
    return JSON.readValue(exchange.getRequestBody(), type);
  }

  private static final class NoSuchRoute extends RuntimeException {
    NoSuchRoute(String message) {
      super(message);
    }
  }

  private static final class TokenExpired extends RuntimeException {
    TokenExpired() {
      super("the token has expired");
    }
  }

  /** As Iceberg's own adapter has them; what is not in it is 500. */
  private static int statusOf(Exception thrown) {
    if (thrown instanceof NotAuthorizedException) return 401;
    if (thrown instanceof ForbiddenException) return 403;
    if (thrown instanceof NoSuchNamespaceException
        || thrown instanceof NoSuchTableException
        || thrown instanceof NotFoundException) return 404;
    if (thrown instanceof UnsupportedOperationException) return 406;
    if (thrown instanceof AlreadyExistsException
        || thrown instanceof CommitFailedException
        || thrown instanceof NamespaceNotEmptyException) return 409;
    if (thrown instanceof TokenExpired) return 419;
    if (thrown instanceof UnprocessableEntityException) return 422;
    if (thrown instanceof IllegalArgumentException
        || thrown instanceof ValidationException
        || thrown instanceof NoSuchRoute
        || thrown instanceof com.fasterxml.jackson.core.JsonProcessingException) return 400;
    return 500;
  }

  private static ErrorResponse errorOf(int status, Exception thrown) {
    return ErrorResponse.builder()
        .responseCode(status)
        .withType(thrown.getClass().getSimpleName())
        .withMessage(String.valueOf(thrown.getMessage()))
        .build();
  }
}
