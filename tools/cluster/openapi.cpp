// See openapi.h. What the tests hold it to: every path and method that Desk knows is in it, and no
// other.
#include "tools/cluster/openapi.h"

namespace millrace::tools {

const std::string_view openapi_document = R"(
{
  "openapi": "3.0.3",
  "info": {
    "title": "Millrace cluster administration",
    "version": "1",
    "description": "On the health port of every container. Requests are signed with the cluster's root keys: AWS Signature Version 4, service s3, any region, with the body's SHA-256 in x-amz-content-sha256. From other hosts TLS is wanted."
  },
  "security": [{"signature": []}],
  "paths": {
    "/cluster/v1/openapi.json": {
      "get": {
        "summary": "This document",
        "security": [],
        "responses": {"200": {"description": "OpenAPI", "content": {"application/json": {}}}}
      }
    },
    "/cluster/v1/status": {
      "get": {
        "summary": "The cluster and each of its containers",
        "responses": {
          "200": {"description": "Status", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}},
          "503": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/cluster/v1/events": {
      "get": {
        "summary": "What happened, oldest first",
        "responses": {
          "200": {"description": "Events", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Events"}}}},
          "503": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/cluster/v1/configuration": {
      "patch": {
        "summary": "Change settings. Containers start again one after the other to serve by them; each confirms with its generation in the status.",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Settings"}}}},
        "responses": {"200": {"$ref": "#/components/responses/Changed"}, "400": {"$ref": "#/components/responses/Refused"}, "409": {"$ref": "#/components/responses/Refused"}}
      }
    },
    "/cluster/v1/containers": {
      "post": {
        "summary": "Admit a container",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}}},
        "responses": {"200": {"$ref": "#/components/responses/Changed"}, "400": {"$ref": "#/components/responses/Refused"}, "409": {"$ref": "#/components/responses/Refused"}}
      }
    },
    "/cluster/v1/containers/{name}": {
      "parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
      "patch": {
        "summary": "Drain a container, or take that back",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["drained"], "properties": {"drained": {"type": "boolean"}}}}}},
        "responses": {"200": {"$ref": "#/components/responses/Changed"}, "404": {"$ref": "#/components/responses/Refused"}}
      },
      "delete": {
        "summary": "Remove a container: it drains and stops",
        "responses": {"200": {"$ref": "#/components/responses/Changed"}, "404": {"$ref": "#/components/responses/Refused"}, "409": {"$ref": "#/components/responses/Refused"}}
      }
    },
    "/cluster/v1": {
      "delete": {
        "summary": "Destroy the cluster: the service and its configuration, never an object. Without force it is refused where there are buckets, and wants the cluster's id in confirm.",
        "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"force": {"type": "boolean"}, "confirm": {"type": "string"}}}}}},
        "responses": {
          "200": {"description": "It is ended; containers are leaving", "content": {"application/json": {"schema": {"type": "object", "properties": {"destroyed": {"type": "string"}}}}}},
          "409": {"$ref": "#/components/responses/Refused"}
        }
      }
    }
  },
  "components": {
    "securitySchemes": {
      "signature": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "AWS4-HMAC-SHA256"}
    },
    "responses": {
      "Changed": {
        "description": "Published as this generation; changed is false where it was so already",
        "content": {"application/json": {"schema": {"type": "object", "properties": {
          "generation": {"type": "integer"}, "changed": {"type": "boolean"},
          "containers": {"type": "integer"}, "feature_level": {"type": "integer"}}}}}
      },
      "Refused": {
        "description": "Nothing was changed",
        "content": {"application/json": {"schema": {"type": "object", "properties": {
          "error": {"type": "object", "properties": {
            "what": {"type": "string"}, "why": {"type": "string"}, "remedy": {"type": "string"}}},
          "unconfirmed": {"type": "object", "properties": {
            "id": {"type": "string"}, "containers": {"type": "integer"}}}}}}}
      }
    },
    "schemas": {
      "Settings": {
        "type": "object", "additionalProperties": false,
        "properties": {
          "port": {"type": "integer", "minimum": 1, "maximum": 65535},
          "health_port": {"type": "integer", "minimum": 1, "maximum": 65535},
          "domains": {"type": "array", "items": {"type": "string"}},
          "region": {"type": "string"},
          "durability": {"type": "string", "enum": ["strict", "data", "none"]},
          "buckets_max": {"type": "integer", "description": "0: no limit"},
          "anonymous_uid": {"type": "integer"},
          "anonymous_gid": {"type": "integer"},
          "containers": {"type": "array", "items": {"type": "string"}, "description": "Only these may join; empty: whoever comes"},
          "finalize": {"type": "boolean", "description": "Raise the feature level to what every container knows"}
        }
      },
      "Status": {
        "type": "object",
        "properties": {
          "cluster": {"type": "object", "properties": {
            "id": {"type": "string"}, "state": {"type": "string", "enum": ["active", "degraded", "inactive"]},
            "verdict": {"type": "string"}, "generation": {"type": "integer"}, "feature_level": {"type": "integer"},
            "active": {"type": "integer"}, "port": {"type": "integer"}, "health_port": {"type": "integer"},
            "domains": {"type": "array", "items": {"type": "string"}}, "region": {"type": "string"},
            "durability": {"type": "string"}, "buckets_max": {"type": "integer"},
            "anonymous_uid": {"type": "integer"}, "anonymous_gid": {"type": "integer"},
            "named_only": {"type": "boolean"},
            "data": {"type": "array", "items": {"type": "object"}},
            "faults": {"type": "array", "items": {"type": "object"}}}},
          "containers": {"type": "array", "items": {"type": "object", "properties": {
            "id": {"type": "string"}, "name": {"type": "string"},
            "state": {"type": "string", "enum": ["joining", "active", "suspect", "inactive", "draining"]},
            "why": {"type": "string"}, "notice": {"type": "string"}, "drained": {"type": "boolean"},
            "host": {"type": "string"}, "addresses": {"type": "array", "items": {"type": "string"}},
            "health_addresses": {"type": "array", "items": {"type": "string"}},
            "version": {"type": "string"}, "feature_level": {"type": "integer"}, "uptime_s": {"type": "integer"},
            "requests": {"type": "integer"}, "errors": {"type": "integer"}, "score": {"type": "number"},
            "generation": {"type": "integer"}, "last_failure": {"type": "string"}}}}
        }
      },
      "Events": {
        "type": "object",
        "properties": {"events": {"type": "array", "items": {"type": "object", "properties": {
          "time": {"type": "string"}, "by": {"type": "string"}, "event": {"type": "string"},
          "subject": {"type": "string"}, "text": {"type": "string"}}}}}
      }
    }
  }
})";

}  // namespace millrace::tools
