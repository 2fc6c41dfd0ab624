//! From an OpenAPI 3.1 document (JSON) to what the page shows. Whatever is odd or absent is left out, never an error.

use serde_json::{Map, Value};

use super::{ApiBody, ApiDocument, ApiGroup, ApiOperation, ApiParameter, ApiProperty, ApiResponse, ApiSchema, ApiType};

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];
/// Types nest (`array of array of …`); a document that nests deeper is not worth following.
const DEPTH_MAX: usize = 6;

impl ApiDocument {
    /// Reads an OpenAPI document. Operations keep its order, grouped by their first tag.
    #[must_use]
    pub fn from_openapi(document: &Value) -> Self {
        let info = &document["info"];
        Self {
            title: text(&info["title"]),
            version: text(&info["version"]),
            description: text(&info["description"]),
            groups: groups(document),
            schemas: schemas(document),
        }
    }
}

fn groups(document: &Value) -> Vec<ApiGroup> {
    let mut groups = Vec::<ApiGroup>::new();
    let tag_description = |name: &str| {
        let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        tags.iter().find(|tag| tag["name"] == name).map(|tag| text(&tag["description"])).unwrap_or_default()
    };
    for (path, item) in object(&document["paths"]) {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let tag = operation["tags"][0].as_str().unwrap_or("Other");
            let read = read_operation(document, path, method, item, operation);
            match groups.iter_mut().find(|group| group.name == tag) {
                Some(group) => group.operations.push(read),
                None => groups.push(ApiGroup {
                    name: tag.to_owned(),
                    anchor: anchor("group", tag),
                    description: tag_description(tag),
                    operations: vec![read],
                }),
            }
        }
    }
    groups
}

fn read_operation(document: &Value, path: &str, method: &str, item: &Value, operation: &Value) -> ApiOperation {
    let shared = item["parameters"].as_array().into_iter().flatten();
    let own = operation["parameters"].as_array().into_iter().flatten();
    ApiOperation {
        anchor: anchor("op", &format!("{method} {path}")),
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        parameters: shared.chain(own).map(|parameter| read_parameter(resolve(document, parameter))).collect(),
        body: body(resolve(document, &operation["requestBody"])),
        responses: object(&operation["responses"])
            .map(|(status, response)| {
                let response = resolve(document, response);
                ApiResponse {
                    status: status.clone(),
                    description: text(&response["description"]),
                    kind: body(response).map(|body| body.kind),
                }
            })
            .collect(),
    }
}

fn read_parameter(parameter: &Value) -> ApiParameter {
    ApiParameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        kind: kind(&parameter["schema"], 0),
        is_required: parameter["required"] == true,
        description: text(&parameter["description"]),
    }
}

fn body(value: &Value) -> Option<ApiBody> {
    let (media, content) = object(&value["content"]).next()?;
    Some(ApiBody { media: media.clone(), kind: kind(&content["schema"], 0) })
}

fn schemas(document: &Value) -> Vec<ApiSchema> {
    let named = object(&document["components"]["schemas"]);
    named
        .map(|(name, schema)| {
            let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
            ApiSchema {
                name: name.clone(),
                description: text(&schema["description"]),
                properties: object(&schema["properties"])
                    .map(|(name, property)| ApiProperty {
                        name: name.clone(),
                        kind: kind(property, 0),
                        is_required: required.iter().any(|required| required == name.as_str()),
                        description: text(&property["description"]),
                    })
                    .collect(),
                values: schema["enum"].as_array().into_iter().flatten().map(text).collect(),
            }
        })
        .collect()
}

/// A schema in words.
fn kind(schema: &Value, depth: usize) -> ApiType {
    if depth > DEPTH_MAX {
        return ApiType { text: "…".into(), schema: None };
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        return ApiType { text: String::new(), schema: Some(name.to_owned()) };
    }
    for (word, join) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[word].as_array() {
            return joined(parts, join, depth);
        }
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>(),
        Value::String(name) => vec![name.clone()],
        _ => Vec::new(),
    };
    if types.iter().any(|name| name == "array") {
        let inner = kind(&schema["items"], depth + 1);
        return ApiType { text: format!("array of {}", inner.text), schema: inner.schema };
    }
    let mut words = if types.is_empty() { "any".to_owned() } else { types.join(" or ") };
    if let Some(format) = schema["format"].as_str() {
        words.push_str(&format!(" ({format})"));
    }
    if let Some(values) = schema["enum"].as_array() {
        words.push_str(&format!(": {}", values.iter().map(text).collect::<Vec<_>>().join(", ")));
    }
    ApiType { text: words, schema: None }
}

/// Several schemas in one phrase; the link goes to the last named one, which is how optional references are written.
fn joined(parts: &[Value], join: &str, depth: usize) -> ApiType {
    let kinds = parts.iter().map(|part| kind(part, depth + 1)).collect::<Vec<_>>();
    let link = kinds.iter().rev().find_map(|kind| kind.schema.clone());
    let named = kinds.iter().filter(|kind| kind.schema.is_some()).count();
    let others = kinds.iter().filter(|kind| kind.schema.is_none()).map(|kind| kind.text.clone());
    if named == 1 {
        let words = others.map(|words| words + join).collect::<String>();
        return ApiType { text: words, schema: link };
    }
    let all = kinds.iter().map(|kind| kind.schema.clone().unwrap_or_else(|| kind.text.clone()));
    ApiType { text: all.collect::<Vec<_>>().join(join), schema: None }
}

/// Follows one reference into the document's components.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A fragment identifier of letters, digits and hyphens.
fn anchor(prefix: &str, words: &str) -> String {
    let mut anchor = prefix.to_owned();
    for part in words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        anchor.push('-');
        anchor.push_str(&part.to_ascii_lowercase());
    }
    anchor
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_are_grouped_by_tag_and_references_followed() {
        let document = ApiDocument::from_openapi(&json!({
            "info": { "title": "T", "version": "1" },
            "tags": [{ "name": "certificates", "description": "What is held." }],
            "paths": { "/certificates/{id}": {
                "parameters": [{ "$ref": "#/components/parameters/Id" }],
                "get": {
                    "tags": ["certificates"],
                    "responses": { "200": { "description": "Found", "content": {
                        "application/json": { "schema": { "$ref": "#/components/schemas/Certificate" } } } } }
                }
            } },
            "components": {
                "parameters": { "Id": { "name": "id", "in": "path", "required": true,
                    "schema": { "type": "integer", "format": "int64" } } },
                "schemas": { "Certificate": { "type": "object", "required": ["id"],
                    "properties": { "id": { "type": "integer" }, "names": { "type": "array", "items": { "type": "string" } } } } }
            }
        }));
        let group = &document.groups[0];
        assert_eq!((group.name.as_str(), group.description.as_str()), ("certificates", "What is held."));
        let get = &group.operations[0];
        assert_eq!((get.method.as_str(), get.anchor.as_str()), ("GET", "op-get-certificates-id"));
        assert_eq!((get.parameters[0].name.as_str(), get.parameters[0].kind.text.as_str()), ("id", "integer (int64)"));
        assert!(get.parameters[0].is_required);
        assert_eq!(get.responses[0].kind.as_ref().and_then(|k| k.schema.as_deref()), Some("Certificate"));
        let schema = &document.schemas[0];
        let names = schema.properties.iter().find(|property| property.name == "names").expect("names is a property");
        assert_eq!(names.kind.text, "array of string");
        assert!(!names.is_required && schema.properties.iter().any(|p| p.name == "id" && p.is_required));
    }

    #[test]
    fn types_read_as_words() {
        let words = |schema: Value| {
            let kind = kind(&schema, 0);
            (kind.text, kind.schema)
        };
        assert_eq!(words(json!({ "type": ["string", "null"] })), ("string or null".into(), None));
        assert_eq!(
            words(json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Owner" }] })),
            ("null or ".into(), Some("Owner".into()))
        );
        assert_eq!(words(json!({ "enum": ["a", "b"], "type": "string" })), ("string: a, b".into(), None));
        assert_eq!(words(json!({ "type": "array", "items": { "$ref": "#/x/Y" } })), ("array of ".into(), Some("Y".into())));
    }

    #[test]
    fn oddities_are_left_out() {
        for odd in [json!(null), json!([]), json!({ "paths": 3 }), json!({ "paths": { "/x": { "get": 7 } } })] {
            let document = ApiDocument::from_openapi(&odd);
            assert!(document.groups.len() <= 1);
        }
        let mut nested = json!({ "type": "string" });
        for _ in 0..100 {
            nested = json!({ "type": "array", "items": nested });
        }
        assert!(kind(&nested, 0).text.ends_with('…'));
    }
}
