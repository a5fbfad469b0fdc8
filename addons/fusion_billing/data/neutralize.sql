-- a restored copy of production calls nobody: nothing left to send, nowhere to send it, no key that opens it
UPDATE fusion_billing_webhook
   SET state = 'failed',
       last_error = 'neutralized'
 WHERE state = 'pending';
UPDATE fusion_billing_service
   SET webhook_url = NULL,
       webhook_secret = NULL;
UPDATE fusion_billing_key
   SET revoked_at = now() AT TIME ZONE 'UTC'
 WHERE revoked_at IS NULL;
-- its own key pair: what the copy might sign must not pass for ours
DELETE FROM fusion_billing_signing_key;
