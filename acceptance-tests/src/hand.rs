//! What somebody else does in an account, past Terraform: calls of AWS's API, one by one. The sandbox checks no signature.

use serde_json::Value;

use crate::{
    Failure, World,
    world::{agent, answered},
};

impl World {
    /// A call of AWS KMS, e.g. `("DisableKey", {"KeyId": …})`; its reply.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn kms(&self, operation: &str, parameters: &Value) -> Result<Value, Failure> {
        self.json_call("kms", "TrentService", operation, parameters)
    }

    /// A call of Secrets Manager; its reply.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn secrets_manager(&self, operation: &str, parameters: &Value) -> Result<Value, Failure> {
        self.json_call("secretsmanager", "secretsmanager", operation, parameters)
    }

    /// A call of IAM, e.g. `("DeleteRolePolicy", [("RoleName", …), …])`; its reply, XML.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn iam(&self, operation: &str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
        let form = [("Action", operation), ("Version", "2010-05-08")].into_iter().chain(parameters.iter().copied());
        let url = format!("{}/", self.endpoint());
        let call = agent().post(&url).header("Authorization", self.signature("iam")).send_form(form);
        answered(&format!("iam:{operation}"), call)
    }

    /// A call of a Query service, e.g. `("sns", "2010-03-31", "DeleteTopic", [("TopicArn", …)])`; its reply, XML.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn query(&self, service: &str, version: &str, operation: &str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
        let form = [("Action", operation), ("Version", version)].into_iter().chain(parameters.iter().copied());
        let url = format!("{}/", self.endpoint());
        let call = agent().post(&url).header("Authorization", self.signature(service)).send_form(form);
        answered(&format!("{service}:{operation}"), call)
    }

    /// A call of CloudWatch, e.g. `("DeleteAlarms", {"AlarmNames": […]})`; its reply.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn cloudwatch(&self, operation: &str, parameters: &Value) -> Result<Value, Failure> {
        self.json_call("monitoring", "GraniteServiceVersion20100801", operation, parameters)
    }

    /// A call of EventBridge; its reply.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn events(&self, operation: &str, parameters: &Value) -> Result<Value, Failure> {
        self.json_call("events", "AWSEvents", operation, parameters)
    }

    /// A request to EKS, e.g. `("DELETE", "/clusters/NAME/addons/coredns", Null)`; its reply.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn eks(&self, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        let url = format!("{}{path}", self.endpoint());
        let signature = self.signature("eks");
        let call = match method {
            "GET" => agent().get(&url).header("Authorization", signature).call(),
            "DELETE" => agent().delete(&url).header("Authorization", signature).call(),
            _ => agent().post(&url).header("Authorization", signature).content_type("application/json").send(body.to_string()),
        };
        let reply = answered(&format!("eks {method} {path}"), call)?;
        serde_json::from_str(&reply).map_err(|error| Failure::new(format!("eks {method} {path} answered no JSON ({error}): {reply}")))
    }

    /// A call of Systems Manager, e.g. `("DeleteParameter", {"Name": …})`; its reply.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn ssm(&self, operation: &str, parameters: &Value) -> Result<Value, Failure> {
        self.json_call("ssm", "AmazonSSM", operation, parameters)
    }

    /// A call of CloudWatch Logs; its reply.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn logs(&self, operation: &str, parameters: &Value) -> Result<Value, Failure> {
        self.json_call("logs", "Logs_20140328", operation, parameters)
    }

    /// A request to S3, e.g. `("PUT", "/BUCKET?versioning", "<VersioningConfiguration>…")`; the reply's body.
    ///
    /// # Errors
    /// With AWS's error.
    pub fn s3(&self, method: &str, path: &str, body: &str) -> Result<String, Failure> {
        let url = format!("{}{path}", self.endpoint());
        let signature = self.signature("s3");
        let call = match method {
            "GET" => agent().get(&url).header("Authorization", signature).call(),
            "DELETE" => agent().delete(&url).header("Authorization", signature).call(),
            "POST" => agent().post(&url).header("Authorization", signature).send(body),
            _ => agent().put(&url).header("Authorization", signature).send(body),
        };
        answered(&format!("s3 {method} {path}"), call)
    }

    fn json_call(&self, service: &str, target: &str, operation: &str, parameters: &Value) -> Result<Value, Failure> {
        let url = format!("{}/", self.endpoint());
        let call = agent()
            .post(&url)
            .header("Authorization", self.signature(service))
            .header("X-Amz-Target", format!("{target}.{operation}"))
            .content_type("application/x-amz-json-1.1")
            .send(parameters.to_string());
        let reply = answered(&format!("{service}:{operation}"), call)?;
        if reply.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&reply).map_err(|error| Failure::new(format!("{service}:{operation} answered no JSON ({error}): {reply}")))
    }

    fn signature(&self, service: &str) -> String {
        let (key, region) = (self.access_key(), self.region());
        format!("AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0")
    }
}
